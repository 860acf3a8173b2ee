import type { Db } from './database.js';
import { ProjectionError } from './errors.js';

/** Raised whenever the same journal would give other rows: catalogs of an older version are rebuilt by themselves. */
const PROJECTION_VERSION = 4;
/** `nasc`, in SQLite's header: tells our catalogs from those of the former system. */
export const APPLICATION_ID = 0x6e617363;

/** The former system's tables: these columns, first and in this order. Its tools and their users' SQL read ours. */
const LEGACY_TABLES = `
CREATE TABLE files (
  path TEXT PRIMARY KEY, size INTEGER, mtime REAL, checksum TEXT, mount_point TEXT, file_type TEXT,
  extension TEXT, scan_time REAL, path_raw BLOB
) WITHOUT ROWID;
CREATE TABLE scan_stats (
  mount_point TEXT PRIMARY KEY, files_scanned INTEGER, bytes_scanned INTEGER, start_time REAL, end_time REAL
);
CREATE TABLE scanned_dirs (
  path TEXT PRIMARY KEY, mount_point TEXT, scan_time REAL
) WITHOUT ROWID;
`;

/** Ours beside them. Times are Unix seconds, paths as in \`files\`. */
const OWN_TABLES = `
CREATE TABLE scans (
  scan TEXT PRIMARY KEY, mount_path TEXT, mount_path_raw BLOB, mount_name TEXT, mount_device TEXT, engine TEXT, hostname TEXT,
  started_at REAL, resumed INTEGER NOT NULL DEFAULT 0, ended_at REAL, outcome TEXT, interrupted TEXT,
  files INTEGER NOT NULL DEFAULT 0, directories INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
  cleared INTEGER NOT NULL DEFAULT 0 -- 1: directories that this scan proved gone have left
) WITHOUT ROWID;
CREATE TABLE chunks (
  scan TEXT, chunk INTEGER, roots TEXT, reason TEXT, estimated_files INTEGER, estimated_bytes INTEGER, state TEXT,
  split_into TEXT, files INTEGER, directories INTEGER, bytes INTEGER, problems INTEGER,
  PRIMARY KEY (scan, chunk)
) WITHOUT ROWID;
-- state: running; completed or failed, as its chunk was judged by it; ended without a verdict, as where the scan was stopped;
-- lost, where its coordinator ended without a word on it.
CREATE TABLE attempts (
  scan TEXT, chunk INTEGER, attempt INTEGER, state TEXT, reason TEXT,
  files INTEGER, directories INTEGER, bytes INTEGER, problems INTEGER,
  PRIMARY KEY (scan, chunk, attempt)
) WITHOUT ROWID;
CREATE TABLE containers (
  scan TEXT, name TEXT, chunk INTEGER, attempt INTEGER, engine TEXT, image TEXT, command TEXT, id TEXT,
  requested_at REAL, started_at REAL, exited_at REAL, removed_at REAL, exit_code INTEGER, oom_killed INTEGER, error TEXT,
  PRIMARY KEY (scan, name, chunk, attempt)
) WITHOUT ROWID;
CREATE TABLE directories (
  path TEXT PRIMARY KEY, path_raw BLOB, mount_point TEXT,
  scan TEXT, chunk INTEGER, attempt INTEGER, part INTEGER, tracked INTEGER, part_files INTEGER, part_bytes INTEGER,
  seen_scan TEXT, listed_scan TEXT, listed_at REAL,
  files INTEGER, bytes INTEGER, entries INTEGER, subdirectories INTEGER, others INTEGER, excluded INTEGER
) WITHOUT ROWID;
CREATE TABLE listed_names (directory TEXT, path TEXT, PRIMARY KEY (directory, path)) WITHOUT ROWID;
CREATE TABLE problems (
  scan TEXT, directory TEXT, path TEXT, operation TEXT, errno TEXT, path_raw BLOB, at REAL,
  PRIMARY KEY (scan, directory, path, operation)
) WITHOUT ROWID;
-- Files with several names. stable 0: their inode numbers identify nothing.
CREATE TABLE hard_links (
  directory TEXT, path TEXT, scan TEXT, device TEXT, inode TEXT, links INTEGER, stable INTEGER,
  PRIMARY KEY (directory, path)
) WITHOUT ROWID;
-- Files to which fewer bytes are allocated than their size.
CREATE TABLE sparse_files (
  directory TEXT, path TEXT, scan TEXT, allocated INTEGER, PRIMARY KEY (directory, path)
) WITHOUT ROWID;
CREATE TABLE checkpoints (
  scan TEXT, writer TEXT, epoch INTEGER, segment INTEGER, seq INTEGER, crc TEXT, bytes INTEGER,
  PRIMARY KEY (scan, writer)
) WITHOUT ROWID;
CREATE TABLE projection (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
`;

export type CatalogKind =
  | 'empty' // no table at all
  | 'former' // the former system's: its rows are not in the journal yet
  | 'ours'
  | 'older' // ours, of an older version or of a part of the journal: to be rebuilt
  | 'foreign'; // some other program's database

function pragmaNumber(database: Db, name: string): number {
  return Number(database.pragma(name, { simple: true }));
}

/** What a database file is. @throws ProjectionError `newer-version`; SQLite's errors as they are */
export function catalogKind(database: Db, path: string): CatalogKind {
  const application = pragmaNumber(database, 'application_id');
  const version = pragmaNumber(database, 'user_version');
  if (application === APPLICATION_ID) {
    if (version > PROJECTION_VERSION) {
      throw new ProjectionError(
        'newer-version',
        `${path} was made by a newer program (catalog version ${version}, this one knows ${PROJECTION_VERSION})`,
        { path, hint: 'use the newer program, or give this one another --db-name' },
      );
    }
    return version === PROJECTION_VERSION && readProjectionValue(database, 'part') === null
      ? 'ours'
      : 'older';
  }
  const tables = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all();
  if (tables.includes('files') && isFormerTable(database)) return 'former';
  return tables.length === 0 ? 'empty' : 'foreign';
}

/** Other programs have a table `files` too; theirs lacks what every version of the former system wrote. */
function isFormerTable(database: Db): boolean {
  const columns = database
    .prepare<[], string>("SELECT lower(name) FROM pragma_table_info('files')")
    .pluck()
    .all();
  return columns.includes('path') && columns.includes('mount_point');
}

/** Makes all tables in an empty database and marks it as ours. Call it within a transaction. */
export function createSchema(database: Db): void {
  database.exec(LEGACY_TABLES);
  database.exec(OWN_TABLES);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma(`user_version = ${PROJECTION_VERSION}`);
}

/** Notes about the projection itself: `part` where it holds only a part of the journal (`--scan`, `--until`). */
function readProjectionValue(database: Db, key: string): string | null {
  const value = database
    .prepare<[string], string | null>('SELECT value FROM projection WHERE key = ?')
    .pluck()
    .get(key);
  return value ?? null;
}

export function writeProjectionValue(database: Db, key: string, value: string): void {
  database.prepare('INSERT OR REPLACE INTO projection VALUES (?, ?)').run(key, value);
}
