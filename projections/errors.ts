/** What can go wrong with a projection, as a closed set that callers may switch over. */
export type ProjectionErrorCode =
  | 'locked' // another process holds the data directory
  | 'data-dir-unwritable' // the lock itself cannot be made there
  | 'catalog-locked' // somebody reads or writes the catalog and does not let go
  | 'catalog-unwritable' // read-only, no permission, no space, an I/O error
  | 'catalog-damaged' // not a database, or a corrupt one
  | 'catalog-missing'
  | 'catalog-stale' // its checkpoint is not in the journal, or its version is another: rebuild
  | 'foreign-file' // at the catalog's place is something else
  | 'newer-version' // made by a newer program than this one
  | 'not-found' // a scan that the journal does not have
  | 'stopped' // by its caller's signal
  | 'io';

/** An error of a projection. `hint` says what its user can do; `cause` is the system's own error. */
export class ProjectionError extends Error {
  override readonly name = 'ProjectionError';
  readonly code: ProjectionErrorCode;
  readonly hint: string | undefined;
  /** The file it happened to, absolute, where there is one. */
  readonly path: string | undefined;

  constructor(
    code: ProjectionErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string; path?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.path = options.path;
  }
}
