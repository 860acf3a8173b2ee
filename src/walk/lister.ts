import type { DirectoryJob, ListerAnswer } from './protocol.js';

/** What a lister tells its walk. */
export interface ListerEvents {
  onAnswer(answer: ListerAnswer): void;
  /**
   * An operation took longer than `ioTimeoutMs`; its directory is given up, the lister is gone, and `unlisted`
   * are the jobs it had been given and never began or never answered for.
   */
  onHung(hung: { job: DirectoryJob; operation: string; unlisted: DirectoryJob[] }): void;
  /** So many directories at once were found best by measuring. */
  onTuned(directoriesAtOnce: number): void;
  /** The lister cannot go on. */
  onFailed(error: Error): void;
}

/** Something that lists directories, elsewhere. */
export interface Lister {
  readonly kind: 'thread' | 'process';
  /** How many more directories it wants now. */
  readonly wants: number;
  /** Directories it works on at once, now. */
  readonly atOnce: number;
  list(jobs: DirectoryJob[]): void;
  /** One answer with records is on disk: the lister may send another. */
  acknowledge(): void;
  /** Stops at once; never waits for what hangs. */
  close(): void;
}
