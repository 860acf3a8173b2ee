import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import type { PathText } from '../journal/events/index.js';
import { pathKey, toPathText } from '../journal/path-text.js';
import { IMPORT_COLUMNS } from './catalog-import.js';
import { databaseError, openDatabase, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { openForReading } from './open-catalog.js';
import { APPLICATION_ID, catalogKind } from './schema.js';

type Cell = string | number | bigint | Buffer | null;
/** A cell in the journal: what JSON cannot say exactly is text or base64. */
type JsonCell = string | number | null | { b64: string };
const SLASH = 0x2f;

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
const STATS_COLUMNS = ['mount_point', 'files_scanned', 'bytes_scanned', 'start_time', 'end_time'] as const;
const SCANNED_COLUMNS = ['path', 'mount_point', 'scan_time'] as const;

/** Whether a file is a catalog of the former system. False for one that is damaged or missing. */
export function isFormerCatalog(catalog: string): boolean {
  if (!existsSync(catalog)) return false;
  let database;
  try {
    database = openDatabase(catalog, { readonly: true });
    return catalogKind(database, catalog) === 'former';
  } catch (cause) {
    const error = databaseError(cause, catalog);
    const locked = error instanceof ProjectionError && error.code === 'catalog-locked';
    // Who cannot look must not go on as if there was nothing.
    if (locked && !isMarkedAsOurs(catalog)) throw error;
    return false;
  } finally {
    database?.close();
  }
}

/** Whether a file at a catalog's place can be read as none, and is not marked as made here: nobody knows what it holds. */
export function isUnreadable(catalog: string): boolean {
  if (statSync(catalog, { throwIfNoEntry: false })?.isFile() !== true) return false;
  let database;
  try {
    database = openDatabase(catalog, { readonly: true });
    catalogKind(database, catalog);
    return false;
  } catch (cause) {
    const error = databaseError(cause, catalog);
    return error instanceof ProjectionError && error.code === 'catalog-damaged' && !isMarkedAsOurs(catalog);
  } finally {
    database?.close();
  }
}

/** Where a database file has its application id, four bytes, the highest first. */
const APPLICATION_ID_AT = 68;

/** By the file's own header, which no lock guards: whether it was made here. */
function isMarkedAsOurs(catalog: string): boolean {
  const file = openSync(catalog, 'r');
  try {
    const header = Buffer.alloc(APPLICATION_ID_AT + 4);
    readSync(file, header, 0, header.length, 0);
    return header.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
  } finally {
    closeSync(file);
  }
}

/** A catalog of the former system, read in one consistent look. */
export class FormerCatalog {
  readonly #database: Db;
  /** The SQL that gives a path's bytes. */
  readonly #path: string;
  readonly rows: number;
  readonly bytes: bigint;

  /** @throws ProjectionError */
  constructor(path: string) {
    this.#database = openForReading(path);
    // As text it would come with its invalid bytes replaced; other encodings have none.
    this.#path =
      this.#database.pragma('encoding', { simple: true }) === 'UTF-8' ? 'CAST(path AS BLOB)' : 'path';
    try {
      this.#database.exec('BEGIN');
      const [count, bytes] = this.#database
        .prepare<[], [bigint, bigint]>(
          'SELECT count(*), CAST(total(max(size, 0)) AS INTEGER) FROM files WHERE path IS NOT NULL',
        )
        .raw()
        .safeIntegers()
        .get() ?? [0n, 0n];
      this.rows = Number(count);
      this.bytes = bytes;
    } catch (cause) {
      this.#database.close();
      throw unreadable(cause, path);
    }
  }

  /** Its `scan_stats`, row by row. */
  scanStats(): JsonCell[][] {
    return [...this.#rows('scan_stats', STATS_COLUMNS)].map((row) => row.map(jsonCell));
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

  /**
   * A table's rows in the order of its key, which is the first of `names`. A column that is not there is NULL; where the key
   * is not, there are no rows. A row whose key is NULL names nothing and is left out.
   * @throws ProjectionError where a page is damaged
   */
  *#rows(table: string, names: readonly [string, ...string[]]): Generator<Cell[]> {
    const present = this.#database
      .prepare<[string], string>('SELECT lower(name) FROM pragma_table_info(?)')
      .pluck()
      .all(table);
    const [key] = names;
    if (!present.includes(key)) return;
    const columns = names.map((name) => {
      if (!present.includes(name)) return `NULL AS ${name}`;
      return name === 'path' ? this.#path : name;
    });
    try {
      // The qualified name is the column, not what is made of it above: so its index gives the order.
      yield* this.#database
        .prepare<[], Cell[]>(
          `SELECT ${columns.join(', ')} FROM ${table} WHERE ${key} IS NOT NULL ORDER BY ${table}.${key}`,
        )
        .raw()
        .safeIntegers()
        .iterate();
    } catch (cause) {
      throw unreadable(cause, this.#database.name);
    }
  }

  *#entries(): Generator<Entry> {
    for (const [path, size = null, mtime = null, ...rest] of this.#rows('files', FILE_COLUMNS)) {
      const { directory, name } = split(pathBytesOf(path));
      const [checksum = null, ...others] = rest;
      const cells = [size, mtimeNs(mtime), checksum, mtime, ...others].map(jsonCell);
      yield { directory, row: [toPathText(name), ...cells] };
    }
    for (const [path, mount = null, scanTime = null] of this.#rows('scanned_dirs', SCANNED_COLUMNS)) {
      const scanned = { at: jsonCell(scanTime), mount: jsonCell(mount) };
      yield { directory: toPathText(pathBytesOf(path)), row: null, scanned };
    }
  }
}

/** What stands in `path`, byte for byte, also where it is not valid UTF-8. */
function pathBytesOf(cell: Cell | undefined): Buffer {
  return Buffer.isBuffer(cell) ? cell : Buffer.from(String(cell), 'utf8');
}

/** Replaying the journal does not mend a catalog that is not in it. */
function unreadable(cause: unknown, path: string): unknown {
  const error = databaseError(cause, path);
  if (!(error instanceof ProjectionError) || error.code !== 'catalog-damaged') return error;
  return new ProjectionError(
    'catalog-damaged',
    `the former system's catalog cannot be read to its end, so it stays as it is: ${error.message}`,
    {
      cause,
      path,
      hint: `sqlite3 ${path} .dump | sed 's/^ROLLBACK.*/COMMIT;/' | sqlite3 NEW saves what can be read: put NEW in its place, then nas-scanner replay`,
    },
  );
}

interface Entry {
  directory: PathText;
  row: JsonCell[] | null;
  scanned?: { at: JsonCell; mount: JsonCell };
}

/** One `files.batch` in the making. No directory of an import counts as listed. */
class BatchText {
  readonly #directories: Record<string, unknown>[] = [];
  #last: { directory: PathText; rows: JsonCell[][] } | null = null;
  bytes = 0;

  add({ directory, row, scanned }: Entry): void {
    if (
      scanned !== undefined ||
      this.#last === null ||
      pathKey(this.#last.directory) !== pathKey(directory)
    ) {
      const rows: JsonCell[][] = [];
      const entry = { path: directory, part: 1, last: false, rows, problems: [] };
      const former =
        scanned === undefined ? {} : { formerScannedAt: scanned.at, formerMountPoint: scanned.mount };
      this.#directories.push({ ...entry, ...former });
      this.#last = scanned === undefined ? { directory, rows } : null;
      this.bytes += Buffer.byteLength(pathKey(directory)) + 120;
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
function split(path: Buffer): { directory: PathText; name: Buffer } {
  const slash = path.lastIndexOf(SLASH);
  const directory = toPathText(path.subarray(0, Math.max(1, slash)));
  // `//name` too: the root's entries stand behind one slash.
  const whole = slash < 0 || slash === path.length - 1 || (slash > 0 && directory === '/');
  return whole ? { directory: '', name: path } : { directory, name: path.subarray(slash + 1) };
}

const NANOSECONDS_PER_SECOND = 1e9;

/** For other readers of the journal; the catalog takes `mtime` itself, which is exact. */
function mtimeNs(mtime: Cell): string | null {
  const nanoseconds = typeof mtime === 'number' ? Math.round(mtime * NANOSECONDS_PER_SECOND) : NaN;
  return Number.isFinite(nanoseconds) ? String(BigInt(nanoseconds)) : null;
}

function jsonCell(value: Cell): JsonCell {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return Buffer.isBuffer(value) ? { b64: value.toString('base64') } : value;
}
