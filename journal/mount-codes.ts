/** Errno names of problems that only a mount gives whose server or daemon is gone, or goes in the middle of a call. */
export const MOUNT_GONE_CODES: ReadonlySet<string> = new Set([
  'ENOTCONN',
  'ECONNABORTED',
  'ESTALE',
  'ENODEV',
  'EHOSTDOWN',
  'ENXIO',
  'EHOSTUNREACH',
  'ESHUTDOWN',
]);
