import { cappedSum, exactSum, sumParts } from './cells.js';
import type { Db } from './database.js';
import { diskUse, type DiskUse } from './disk-use.js';
import { openForReading } from './open-catalog.js';

/** Entries of each list of single files or directories. */
const LISTED_MAX = 10;

export interface FileLine {
  path: string;
  size: bigint;
  /** Unix seconds; null where the catalog has none. */
  mtime: number | null;
}

export interface Totals {
  files: bigint;
  bytes: bigint;
}

export interface CatalogStats extends Totals {
  /** null: the catalog does not know. */
  disk: DiskUse | null;
  mounts: (Totals & { name: string })[];
  types: (Totals & { type: string })[];
  /** By the bytes of the files lying directly in them. */
  largestDirectories: (Totals & { path: string })[];
  largestFiles: FileLine[];
  newest: FileLine[];
  oldest: FileLine[];
}

interface GroupRow {
  name: string | null;
  type: string | null;
  files: bigint;
  bytes: bigint;
}

/** The catalog's totals. Also reads catalogs of the former system. @throws ProjectionError */
export function readStats(catalog: string): CatalogStats {
  const database = openForReading(catalog);
  try {
    // One consistent look, however the catalog grows meanwhile.
    return database.transaction(() => collect(database))();
  } finally {
    database.close();
  }
}

function collect(database: Db): CatalogStats {
  const groups = database
    .prepare<[], [string | null, string | null, bigint, bigint, bigint]>(
      `SELECT mount_point, file_type, count(*), ${sumParts('size')} FROM files GROUP BY mount_point, file_type`,
    )
    .raw()
    .safeIntegers()
    .all()
    .map(([name, type, files, high, low]): GroupRow => ({ name, type, files, bytes: exactSum(high, low) }));
  const sum = (of: readonly GroupRow[]): Totals => ({
    files: of.reduce((total, row) => total + row.files, 0n),
    bytes: of.reduce((total, row) => total + row.bytes, 0n),
  });
  const by = (key: (row: GroupRow) => string): [string, Totals][] =>
    [...new Set(groups.map(key))]
      .map((name): [string, Totals] => [name, sum(groups.filter((row) => key(row) === name))])
      .sort(([a, x], [b, y]) => compare(y.bytes, x.bytes) || compare(y.files, x.files) || (a < b ? -1 : 1));
  const total = sum(groups);
  return {
    ...total,
    disk: diskUse(database, total.bytes),
    mounts: by((row) => row.name ?? '').map(([name, totals]) => ({ name, ...totals })),
    types: by((row) => row.type ?? 'other').map(([type, totals]) => ({ type, ...totals })),
    largestDirectories: largestDirectories(database),
    largestFiles: files(database, 'size DESC'),
    newest: files(database, 'mtime DESC'),
    oldest: files(database, 'mtime ASC', 'WHERE mtime IS NOT NULL'),
  };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function files(database: Db, order: string, where = ''): FileLine[] {
  const rows = database
    .prepare<[], { path: string; size: bigint | null; mtime: number | null }>(
      `SELECT path, CAST(size AS INTEGER) AS size, CAST(mtime AS REAL) AS mtime FROM files ${where} ORDER BY ${order}, path LIMIT ${LISTED_MAX}`,
    )
    .safeIntegers()
    .all();
  return rows.map(({ path, size, mtime }) => ({ path, size: size ?? 0n, mtime }));
}

function largestDirectories(database: Db): CatalogStats['largestDirectories'] {
  const own = database
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'directories'")
    .get();
  // A path without its last part, in plain SQL: what is left after cutting all that is no slash from its end.
  const former = `SELECT rtrim(path, replace(path, '/', '')) AS path, count(*) AS files, ${cappedSum('size')} AS bytes
     FROM files GROUP BY 1`;
  const ours = 'SELECT path, files, bytes FROM directories WHERE listed_scan IS NOT NULL';
  return database
    .prepare<[], Totals & { path: string }>(
      `SELECT path, files, CAST(coalesce(bytes, 0) AS INTEGER) AS bytes FROM (${own === undefined ? former : ours})
       ORDER BY bytes DESC, path LIMIT ${LISTED_MAX}`,
    )
    .safeIntegers()
    .all();
}
