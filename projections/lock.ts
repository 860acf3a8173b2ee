import { join } from 'node:path';
import { openDatabase, sqliteCode, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { LOCK_FILE } from './lock-file.js';

export interface DataDirLock {
  /** Gives the data directory back. The kernel does the same when this process dies, however it dies. */
  release(): void;
}

/**
 * Takes the data directory for this process: an exclusive transaction on `lock.db`, held until released.
 * Node has no flock; SQLite's locks are the kernel's, and hold across the containers of one host.
 * @throws ProjectionError `locked` when another process has it, `data-dir-unwritable` when it cannot be taken at all
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const path = join(dataDir, LOCK_FILE);
  let database: Db | undefined;
  try {
    database = openDatabase(path, { busyTimeoutMs: 0 });
    // Nothing is ever written, so no journal file appears beside it.
    database.exec('BEGIN EXCLUSIVE');
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    const cause = error instanceof ProjectionError && error.cause !== undefined ? error.cause : error;
    if (/^SQLITE_BUSY/.test(sqliteCode(cause) ?? '')) {
      throw new ProjectionError('locked', `another scan holds ${dataDir}`, {
        cause,
        path,
        hint: 'wait for it to end (nas-scanner status shows it), or give this one its own --data-dir',
      });
    }
    throw new ProjectionError('data-dir-unwritable', `cannot lock ${dataDir}: ${(error as Error).message}`, {
      cause,
      path,
      hint: 'the data directory must exist and be writable',
    });
  }
}

/** Whether another process holds the data directory right now. False also where there is no lock file. */
export function isDataDirLocked(dataDir: string): boolean {
  let database: Db | undefined;
  try {
    database = openDatabase(join(dataDir, LOCK_FILE), { busyTimeoutMs: 0, readonly: true });
    // A shared lock is all that a read takes, and all that an exclusive holder denies.
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    const cause = error instanceof ProjectionError ? error.cause : error;
    return /^SQLITE_BUSY/.test(sqliteCode(cause) ?? '');
  } finally {
    database?.close();
  }
}
