/** What can go wrong with a journal, as a closed set that callers may switch over. */
export type JournalErrorCode =
  | 'record-too-large' // an event does not fit into RECORD_BYTES_MAX
  | 'invalid-event' // the payload is not what its schema says
  | 'newer-version' // written by a newer program than this one
  | 'segment-dead' // a write or sync failed; this segment takes nothing more
  | 'no-segment' // and no new segment can be had either: the writer has stopped
  | 'writer-closed'
  | 'checkpoint-mismatch' // the record a reader wants to go on from is not there any more
  | 'invalid-owner' // PUID, PGID or UMASK in the environment
  | 'io';

/** An error of the journal. `hint` says what its user can do; `cause` is the system's own error. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;
  readonly hint: string | undefined;
  /** The file it happened to, absolute, where there is one. */
  readonly path: string | undefined;

  constructor(
    code: JournalErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string; path?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.path = options.path;
  }
}
