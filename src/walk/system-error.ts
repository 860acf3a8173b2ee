import { getSystemErrorName } from 'node:util';
import { MOUNT_GONE_CODES } from '../../journal/mount-codes.js';

/** The errno name of a failed file system call: `EACCES`. Where Node says `UNKNOWN`, the number tells more. */
export function errnoName(error: unknown): string {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code !== undefined && code !== 'UNKNOWN') return code;
  if (errno === undefined) throw error;
  try {
    return getSystemErrorName(errno);
  } catch {
    return `E${Math.abs(errno)}`; // a number this Node has no name for
  }
}

/** What a mount may give whose server, daemon or disk is gone: a bad sector says EIO, too. */
export const MOUNT_TROUBLE_CODES: ReadonlySet<string> = new Set([...MOUNT_GONE_CODES, 'EIO']);
