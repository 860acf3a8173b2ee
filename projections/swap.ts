import { closeSync, existsSync, fsync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from '../journal/storage.js';
import { openDatabase, type Db } from './database.js';

/** Beside the file it will become: a rename within one directory is atomic. */
export const buildingPath = (target: string): string => `${target}.building`;

const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

/** Removes a database file and what SQLite keeps beside it. */
export function removeDatabase(path: string): void {
  for (const end of ['', ...SIDE_FILES]) rmSync(path + end, { force: true });
}

/** Has the disk write a database that is committed, beside whatever else is done meanwhile. */
export async function syncDatabase(path: string): Promise<void> {
  const descriptor = openSync(path, 'r');
  try {
    await promisify(fsync)(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Puts a finished database, synced and closed, in the place of another. Who has the former one open goes on reading it;
 * who opens the path finds the one or the other, whole. Its owner and writer must be this process.
 */
export async function swapInto(built: string, target: string): Promise<void> {
  // A log left behind would be taken for the new file's own.
  if (existsSync(`${target}-wal`) || existsSync(`${target}-journal`)) settleLog(target);
  for (const end of SIDE_FILES) rmSync(target + end, { force: true });
  renameSync(built, target);
  await syncFolder(dirname(target));
}

/** How long whoever has the former database locked is waited for. */
const SETTLE_TIMEOUT_MS = 500;

/** Brings a log's content into its database, so that a reader between two steps still finds it whole. */
function settleLog(target: string): void {
  let database: Db | undefined;
  try {
    database = openDatabase(target, { busyTimeoutMs: SETTLE_TIMEOUT_MS });
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.pragma('journal_mode = DELETE');
  } catch {
    // Damaged, or in use: it goes all the same, the journal has everything.
  } finally {
    database?.close();
  }
}
