/** An empty database beside the catalog; only its lock matters, see lock.ts. */
export const LOCK_FILE = 'lock.db';
