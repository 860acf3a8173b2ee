import { MOUNT_GONE_CODES } from '../../journal/mount-codes.js';
import { errnoName as nameOf } from '../../journal/storage.js';

/** The errno name of a failed file system call: `EACCES`. @throws the error itself where it is none of the system's: a bug */
export function errnoName(error: unknown): string {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === undefined && errno === undefined) throw error;
  return nameOf(error);
}

/** For a failed call that somebody else meets again and records, or that is an answer by itself. @throws like `errnoName` */
export function expectSystemError(error: unknown): void {
  errnoName(error);
}

/** What a mount may give whose server, daemon or disk is gone: a bad sector says EIO, too. */
export const MOUNT_TROUBLE_CODES: ReadonlySet<string> = new Set([...MOUNT_GONE_CODES, 'EIO']);
