export type WorkerErrorCode =
  | 'bad-task' // the task file is missing or senseless
  | 'superseded' // a later attempt has been begun: only one may write
  | 'lister-failed'; // what lists directories broke down

export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: WorkerErrorCode;

  constructor(code: WorkerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}
