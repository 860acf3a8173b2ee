import { getSystemErrorName } from 'node:util';

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

/** What a mount gives whose server, daemon or disk is gone, or goes in the middle of a call. */
export const MOUNT_GONE_CODES: ReadonlySet<string> = new Set([
  'EIO',
  'ENOTCONN',
  'ECONNABORTED',
  'ESTALE',
  'ENODEV',
  'EHOSTDOWN',
  'ENXIO',
  'EHOSTUNREACH',
  'ESHUTDOWN',
]);
