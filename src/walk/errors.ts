export type WalkErrorCode = 'bad-glob'; // what is to be left out is no pattern that means anything

/** An error of the walk. The message says what is wrong, and not with what: its thrower's caller knows that. */
export class WalkError extends Error {
  override readonly name = 'WalkError';
  readonly code: WalkErrorCode;

  constructor(code: WalkErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
