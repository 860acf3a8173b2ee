export type ScanErrorCode = 'name-taken'; // the NAME stands for another PATH in the journal

/** What keeps a scan from beginning. `hint` says what to do. */
export class ScanError extends Error {
  override readonly name = 'ScanError';
  readonly code: ScanErrorCode;
  readonly hint: string | undefined;

  constructor(code: ScanErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
