import { existsSync, statSync } from 'node:fs';
import { createSchema, catalogKind, type CatalogKind } from './schema.js';
import { databaseError, openDatabase, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { chooseJournalMode, type ModeChoice } from './place.js';

/** Pages SQLite keeps in memory: enough that a directory's neighbours stay, little beside what the process has. */
const CACHE_KIB = 8 * 1024;
/** Bigger pages split less often and take fewer writes: a fifth less time for a million rows than SQLite's 4096. */
const PAGE_BYTES = 16 * 1024;
/** Pages of a write-ahead log before they go into the catalog: 64 MiB. Each time costs two syncs and writes pages that go on growing. */
const WAL_AUTOCHECKPOINT_PAGES = 4_000;

export interface OpenCatalog extends ModeChoice {
  database: Db;
}

/**
 * Opens the catalog to follow a scan into it; makes it where it is missing or empty.
 * @throws ProjectionError `catalog-stale` when it must be rebuilt first (an older version, a part only, a former system's),
 * `catalog-locked`, `catalog-unwritable`, `catalog-damaged`, `newer-version`
 */
export function openForFollowing(path: string, busyTimeoutMs: number): OpenCatalog {
  leaveOthersAlone(path);
  const choice = chooseJournalMode(path);
  const database = openDatabase(path, { busyTimeoutMs });
  try {
    // Of a new file; one that is there keeps its own.
    database.pragma(`page_size = ${PAGE_BYTES}`);
    setJournalMode(database, choice);
    database.pragma('synchronous = NORMAL');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    const kind = catalogKind(database, path);
    if (kind === 'empty') database.transaction(() => createSchema(database)).immediate();
    else if (kind === 'foreign') throw foreignError(path);
    else if (kind !== 'ours') throw staleError(kind, path);
    return { ...choice, database };
  } catch (error) {
    database.close();
    throw databaseError(error, path);
  }
}

/**
 * A catalog of the former system stays as it is, byte for byte, until a built one takes its place: by its bytes its
 * import is known. Another program's file stays as it is, too. What cannot be looked at so is left to who opens it for writing.
 */
function leaveOthersAlone(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
  let database: Db | undefined;
  let kind: CatalogKind;
  try {
    database = openDatabase(path, { readonly: true });
    kind = catalogKind(database, path);
  } catch (cause) {
    if (!(databaseError(cause, path) instanceof ProjectionError)) throw cause;
    return;
  } finally {
    database?.close();
  }
  if (kind === 'former') throw staleError(kind, path);
  if (kind === 'foreign') throw foreignError(path);
}

function staleError(kind: CatalogKind, path: string): ProjectionError {
  const what: Record<string, string> = {
    older: 'it is of an older version, or holds a part of the journal only',
    former: 'it is a catalog of the former system that is not in the journal yet',
  };
  return new ProjectionError('catalog-stale', `${path} must be built anew: ${what[kind] ?? kind}`, {
    path,
    hint: 'nas-scanner replay',
  });
}

/** What a catalog may not be put in place of. */
const STOPPING: ReadonlySet<string> = new Set(['foreign-file', 'newer-version', 'catalog-locked']);

function foreignError(path: string): ProjectionError {
  return new ProjectionError('foreign-file', `${path} is another program's file, not a catalog`, {
    path,
    hint: 'give the catalog another name with --db-name, or another place',
  });
}

/**
 * Makes sure that a catalog about to be put at a path takes nobody else's file away: what is there is a catalog, a
 * damaged one at the place where catalogs are, or nothing.
 * @throws ProjectionError `foreign-file`
 */
export function refuseForeign(path: string, damagedIsOurs: boolean): void {
  if (!existsSync(path)) return;
  const there = statSync(path);
  if (there.isDirectory()) {
    throw new ProjectionError('foreign-file', `${path} is a directory`, { path, hint: 'give a file in it' });
  }
  // It would be replaced, a device too.
  if (!there.isFile()) {
    throw new ProjectionError('foreign-file', `${path} is not a file`, {
      path,
      hint: 'give it another name',
    });
  }
  if (there.size === 0) return;
  let database: Db | undefined;
  try {
    database = openDatabase(path, { readonly: true });
    if (catalogKind(database, path) === 'foreign') throw foreignError(path);
  } catch (cause) {
    const error = databaseError(cause, path);
    const damaged = error instanceof ProjectionError && error.code === 'catalog-damaged';
    if (damaged && !damagedIsOurs) throw foreignError(path);
    if (error instanceof ProjectionError && STOPPING.has(error.code)) throw error;
  } finally {
    database?.close();
  }
}

function setJournalMode(database: Db, choice: ModeChoice): void {
  if (choice.mode === 'wal') {
    database.pragma('journal_mode = WAL');
    database.pragma(`wal_autocheckpoint = ${WAL_AUTOCHECKPOINT_PAGES}`);
    return;
  }
  // A catalog left in WAL mode opens without shared memory only for one who holds it alone.
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = TRUNCATE');
  // Pages that spill would lock readers out long before the commit does.
  database.pragma('cache_spill = OFF');
  database.pragma('locking_mode = NORMAL');
  database.prepare('SELECT count(*) FROM sqlite_schema').get();
}

/** Opens a new file to build a catalog in. Nothing of it counts before it is closed, synced and renamed. */
export function openForBuilding(path: string): Db {
  const database = openDatabase(path);
  try {
    database.pragma(`page_size = ${PAGE_BYTES}`);
    // A crash leaves a file that nobody will ever read, so nothing guards it: with a journal, every statement would
    // write each page that it changes to a file of its own first. SQLite's binding refuses that where it is not told.
    database.unsafeMode(true);
    database.pragma('journal_mode = OFF');
    database.unsafeMode(false);
    database.pragma('synchronous = OFF');
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.exec('BEGIN');
    createSchema(database);
    return database;
  } catch (error) {
    database.close();
    throw databaseError(error, path);
  }
}

/** Opens a catalog that is there, to read it. @throws ProjectionError `catalog-missing`, `catalog-damaged`, … */
export function openForReading(path: string, busyTimeoutMs?: number): Db {
  const database = openDatabase(path, {
    readonly: true,
    ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }),
  });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database.close();
    throw databaseError(error, path);
  }
}
