import { closeSync, fchmodSync, fchownSync, fstatSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { ownerFromEnvironment } from '../journal/owner.js';
import { FILE_MODE } from '../journal/storage.js';
import { ProjectionError, type ProjectionErrorCode } from './errors.js';

/** The only door to SQLite. */
export type Db = Database.Database;
export type Statement<P extends unknown[] = unknown[], R = unknown> = Database.Statement<P, R>;

export interface OpenOptions {
  readonly?: boolean;
  /** The file must be there already. */
  mustExist?: boolean;
  /** How long a statement waits for another connection's lock. */
  busyTimeoutMs?: number;
}

/** Long enough for a reader's query of a second or two, short enough to be noticed. */
const BUSY_TIMEOUT_MS_DEFAULT = 2_000;

/** Opens a database file; a new one gets the owner and mode that were asked for. @throws ProjectionError */
export function openDatabase(path: string, options: OpenOptions = {}): Db {
  try {
    if (options.readonly !== true && options.mustExist !== true) createOwned(path);
    return new Database(path, {
      readonly: options.readonly === true,
      fileMustExist: options.mustExist === true || options.readonly === true,
      timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS_DEFAULT,
    });
  } catch (cause) {
    throw databaseError(cause, path);
  }
}

/**
 * Makes the empty file that SQLite then takes for a new database. It would give it mode 0644 at most; what it keeps
 * beside a database (`-wal`, `-shm`, `-journal`) gets the owner and mode of that database.
 */
function createOwned(path: string): void {
  const { uid, gid, umask } = ownerFromEnvironment();
  if (uid === null && gid === null && umask === null) return;
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch {
    return; // It is there already; any other trouble with the place SQLite meets as well, and names in its own way.
  }
  try {
    if (umask !== null) fchmodSync(file, FILE_MODE & ~umask);
    const is = fstatSync(file);
    fchownSync(file, uid ?? is.uid, gid ?? is.gid);
  } finally {
    closeSync(file);
  }
}

const CODES: readonly [RegExp, ProjectionErrorCode][] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'catalog-locked'],
  [/^SQLITE_(READONLY|FULL|PERM|AUTH)/, 'catalog-unwritable'],
  [/^SQLITE_IOERR/, 'catalog-unwritable'],
  [/^SQLITE_(CORRUPT|NOTADB|FORMAT|SCHEMA|ERROR|MISMATCH)/, 'catalog-damaged'],
  [/^SQLITE_CANTOPEN/, 'catalog-unwritable'],
];

const HINTS: Partial<Record<ProjectionErrorCode, string>> = {
  'catalog-locked': 'close the program that has the catalog open for writing, then try again',
  'catalog-unwritable': 'check free space, owner and mode of the file and of its directory',
  'catalog-damaged': 'nas-scanner replay makes it anew from the journal',
};

/** The `code` of an error that SQLite threw (`SQLITE_BUSY`, …), or null when it is none of SQLite's. */
export function sqliteCode(error: unknown): string | null {
  return error instanceof Database.SqliteError ? error.code : null;
}

/** Turns what SQLite threw into a ProjectionError; anything else comes back as it is. */
export function databaseError(error: unknown, path: string): unknown {
  if (error instanceof ProjectionError) return error;
  const sqlite = sqliteCode(error);
  if (sqlite === null) {
    // better-sqlite3 throws a plain TypeError for a directory that is not there.
    const missing = error instanceof TypeError && error.message.includes('directory does not exist');
    if (!missing) return error;
    return new ProjectionError('catalog-missing', `${path}: its directory does not exist`, {
      cause: error,
      path,
    });
  }
  const code = CODES.find(([pattern]) => pattern.test(sqlite))?.[1] ?? 'io';
  const hint = HINTS[code];
  return new ProjectionError(code, `${path}: ${(error as Error).message} (${sqlite})`, {
    cause: error,
    path,
    ...(hint === undefined ? {} : { hint }),
  });
}
