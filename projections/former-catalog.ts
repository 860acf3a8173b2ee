import { existsSync } from 'node:fs';
import { IMPORT_COLUMNS } from './catalog-import.js';
import { databaseError, openDatabase, type Db } from './database.js';
import { openForReading } from './open-catalog.js';
import { catalogKind } from './schema.js';

type Cell = string | number | bigint | Buffer | null;
/** A cell in the journal: what JSON cannot say exactly is text or base64. */
type JsonCell = string | number | null | { b64: string };

/** Payload of one record: what writers aim at, less the keys around it. */
const BATCH_BYTES_TARGET = 60_000;
/** In the order of the contract's table. */
const FILE_COLUMNS = [
  'path',
  'size',
  'mtime',
  'checksum',
  'mount_point',
  'file_type',
  'extension',
  'scan_time',
] as const;

/** Whether a file is a catalog of the former system. False for one that is damaged or missing. */
export function isFormerCatalog(catalog: string): boolean {
  if (!existsSync(catalog)) return false;
  let database;
  try {
    database = openDatabase(catalog, { readonly: true });
    return catalogKind(database, catalog) === 'former';
  } catch (cause) {
    const error = databaseError(cause, catalog);
    // Who cannot look must not go on as if there was nothing.
    if (error instanceof Error && 'code' in error && error.code === 'catalog-locked') throw error;
    return false;
  } finally {
    database?.close();
  }
}

/** A catalog of the former system, read in one consistent look. */
export class FormerCatalog {
  readonly #database: Db;
  readonly rows: number;
  readonly bytes: bigint;

  /** @throws ProjectionError */
  constructor(path: string) {
    this.#database = openForReading(path);
    this.#database.exec('BEGIN');
    const [count, bytes] = this.#database
      .prepare<[], [bigint, bigint]>('SELECT count(*), CAST(total(max(size, 0)) AS INTEGER) FROM files')
      .raw()
      .safeIntegers()
      .get() ?? [0n, 0n];
    this.rows = Number(count);
    this.bytes = bytes;
  }

  /** Its `scan_stats`, row by row. */
  scanStats(): JsonCell[][] {
    if (!this.#columns('scan_stats').includes('mount_point')) return [];
    const rows = this.#database
      .prepare<[], Cell[]>(
        'SELECT mount_point, files_scanned, bytes_scanned, start_time, end_time FROM scan_stats',
      )
      .raw()
      .safeIntegers()
      .all();
    return rows.map((row) => row.map(jsonCell));
  }

  /** Payloads of `files.batch`, as JSON, each within the size of a record. */
  *batches(): Generator<string> {
    let batch = new BatchText();
    for (const entry of this.#entries()) {
      batch.add(entry);
      if (batch.bytes < BATCH_BYTES_TARGET) continue;
      yield batch.json();
      batch = new BatchText();
    }
    if (batch.bytes > 0) yield batch.json();
  }

  close(): void {
    this.#database.close();
  }

  #columns(table: string): string[] {
    return this.#database
      .prepare<[string], string>('SELECT name FROM pragma_table_info(?)')
      .pluck()
      .all(table);
  }

  *#entries(): Generator<Entry> {
    const present = this.#columns('files');
    const columns = FILE_COLUMNS.map((name) => (present.includes(name) ? name : `NULL AS ${name}`));
    const rows = this.#database
      .prepare<[], Cell[]>(`SELECT ${columns.join(', ')} FROM files ORDER BY path`)
      .raw()
      .safeIntegers();
    for (const [path = null, size = null, mtime = null, checksum = null, ...rest] of rows.iterate()) {
      const { directory, name } = split(String(path));
      const cells = [name, size, mtimeNs(mtime), checksum, mtime, ...rest].map(jsonCell);
      yield { directory, row: cells };
    }
    if (!this.#columns('scanned_dirs').includes('scan_time')) return;
    const scanned = this.#database
      .prepare<[], Cell[]>('SELECT path, mount_point, scan_time FROM scanned_dirs ORDER BY path')
      .raw()
      .safeIntegers();
    for (const [path = null, mount = null, scanTime = null] of scanned.iterate()) {
      yield {
        directory: String(path),
        row: null,
        scanned: { at: jsonCell(scanTime), mount: jsonCell(mount) },
      };
    }
  }
}

interface Entry {
  directory: string;
  row: JsonCell[] | null;
  scanned?: { at: JsonCell; mount: JsonCell };
}

/** One `files.batch` in the making. No directory of an import counts as listed. */
class BatchText {
  readonly #directories: Record<string, unknown>[] = [];
  #last: { directory: string; rows: JsonCell[][] } | null = null;
  bytes = 0;

  add({ directory, row, scanned }: Entry): void {
    if (scanned !== undefined || this.#last?.directory !== directory) {
      const rows: JsonCell[][] = [];
      const entry = { path: directory, part: 1, last: false, rows, problems: [] };
      const former =
        scanned === undefined ? {} : { formerScannedAt: scanned.at, formerMountPoint: scanned.mount };
      this.#directories.push({ ...entry, ...former });
      this.#last = scanned === undefined ? { directory, rows } : null;
      this.bytes += Buffer.byteLength(directory) + 120;
    }
    if (row === null) return;
    this.#last?.rows.push(row);
    this.bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
  }

  json(): string {
    return JSON.stringify({ chunk: 0, attempt: 0, columns: IMPORT_COLUMNS, directories: this.#directories });
  }
}

/** A directory and a name that make the path again, whatever was in the column; a path without slash has no directory. */
function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  if (slash < 0 || slash === path.length - 1) return { directory: '', name: path };
  return { directory: slash === 0 ? '/' : path.slice(0, slash), name: path.slice(slash + 1) };
}

const NANOSECONDS_PER_SECOND = 1e9;

/** For other readers of the journal; the catalog takes `mtime` itself, which is exact. */
function mtimeNs(mtime: Cell): string | null {
  return typeof mtime === 'number' && Number.isFinite(mtime)
    ? String(BigInt(Math.round(mtime * NANOSECONDS_PER_SECOND)))
    : null;
}

function jsonCell(value: Cell): JsonCell {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return Buffer.isBuffer(value) ? { b64: value.toString('base64') } : value;
}
