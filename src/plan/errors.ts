export type PlanErrorCode =
  | 'measuring-failed' // a directory could not be listed: `errno` says why
  | 'stopped'; // its measuring is not wanted any more

export class PlanError extends Error {
  override readonly name = 'PlanError';
  readonly code: PlanErrorCode;
  /** `EACCES`, `ETIMEDOUT`, … */
  readonly errno: string;

  constructor(code: PlanErrorCode, errno: string, path: string) {
    super(`${code}: ${path}: ${errno}`);
    this.code = code;
    this.errno = errno;
  }
}
