import type { Db, Statement } from './database.js';

/** A row of `files` whose path is valid UTF-8, less what its whole record shares. */
export type FileRow = [
  path: string,
  size: number | bigint | null,
  mtime: number | null,
  checksum: string | null,
  type: string,
  extension: string,
];

/** A directory that came complete in one part and was never met before. */
export type NewDirectoryRow = [
  path: string,
  raw: Buffer | null,
  files: number,
  bytes: number | bigint,
  entries: number | null,
  subdirectories: number | null,
  others: number | null,
  excluded: number | null,
];

const FILE_COLUMNS = ['path', 'size', 'mtime', 'checksum', 'type', 'extension'];
const DIRECTORY_COLUMNS = [
  'path',
  'raw',
  'files',
  'bytes',
  'entries',
  'subdirectories',
  'others',
  'excluded',
];

/**
 * Many rows in one statement: a table-valued function hands them to SQLite, whose cursor stays open from one row to
 * the next. That is a third faster than a statement per row.
 */
export class BulkInsert {
  #files: readonly FileRow[] = [];
  #directories: readonly NewDirectoryRow[] = [];
  readonly #insertFiles: Statement<[string | null, number]>;
  readonly #known: Statement<[], string>;
  readonly #insertDirectories: Statement;
  readonly #insertScanned: Statement<[string | null, number]>;

  constructor(database: Db) {
    const files = (): readonly FileRow[] => this.#files;
    const directories = (): readonly NewDirectoryRow[] => this.#directories;
    database.table('new_files', {
      columns: FILE_COLUMNS,
      *rows() {
        yield* files();
      },
    });
    database.table('new_directories', {
      columns: DIRECTORY_COLUMNS,
      *rows() {
        yield* directories();
      },
    });
    this.#insertFiles = database.prepare(
      `INSERT OR REPLACE INTO files (path, size, mtime, checksum, mount_point, file_type, extension, scan_time)
       SELECT path, size, mtime, checksum, ?, type, extension, ? FROM new_files`,
    );
    this.#known = database
      .prepare<[], string>(
        'SELECT d.path FROM new_directories AS n CROSS JOIN directories AS d ON d.path = n.path',
      )
      .pluck();
    this.#insertDirectories = database.prepare(
      `INSERT INTO directories (path, path_raw, mount_point, scan, chunk, attempt, part, tracked, part_files, part_bytes,
         seen_scan, listed_scan, listed_at, files, bytes, entries, subdirectories, others, excluded)
       SELECT n.path, n.raw, r.mount, r.scan, r.chunk, r.attempt, 1, 0, n.files, n.bytes, r.scan, r.scan, r.at, n.files, n.bytes,
         n.entries, n.subdirectories, n.others, n.excluded
       FROM (SELECT ? AS mount, ? AS scan, ? AS chunk, ? AS attempt, ? AS at) AS r CROSS JOIN new_directories AS n`,
    );
    this.#insertScanned = database.prepare(
      'INSERT OR REPLACE INTO scanned_dirs SELECT path, ?, ? FROM new_directories',
    );
  }

  files(rows: readonly FileRow[], mountName: string | null, atSeconds: number): void {
    if (rows.length === 0) return;
    this.#files = rows;
    this.#insertFiles.run(mountName, atSeconds);
    this.#files = [];
  }

  /** Which of these the catalog knows already. */
  knownDirectories(rows: readonly NewDirectoryRow[]): Set<string> {
    if (rows.length === 0) return new Set();
    this.#directories = rows;
    const known = new Set(this.#known.all());
    this.#directories = [];
    return known;
  }

  /** @param rows none of which the catalog knows, each once */
  directories(
    rows: readonly NewDirectoryRow[],
    record: { mountName: string | null; scan: string; chunk: number; attempt: number; atSeconds: number },
  ): void {
    if (rows.length === 0) return;
    const { mountName, scan, chunk, attempt, atSeconds } = record;
    this.#directories = rows;
    this.#insertDirectories.run(mountName, scan, chunk, attempt, atSeconds);
    this.#insertScanned.run(mountName, atSeconds);
    this.#directories = [];
  }
}
