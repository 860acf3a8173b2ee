import { openDatabase, type Db, type Statement } from './database.js';
import type { ListingSource } from './directory-table.js';
import { imageHead, type StagedRange } from './row-image.js';

/** Few pages of it are wanted twice. */
const CACHE_KIB = 1024;

const FILES = `
  INSERT OR REPLACE INTO main.files (path, size, mtime, checksum, mount_point, file_type, extension, scan_time)
  SELECT path, size, mtime, checksum, ?, type, extension, ? FROM staged.rows WHERE rowid BETWEEN ? AND ?`;

const ANY_KNOWN = `
  SELECT EXISTS (SELECT 1 FROM staged.directories AS s CROSS JOIN main.directories AS d ON d.path = s.path
                 WHERE s.rowid BETWEEN ? AND ?)`;

const DIRECTORIES = `
  INSERT INTO main.directories (path, mount_point, scan, chunk, attempt, part, tracked, part_files, part_bytes,
    seen_scan, listed_scan, listed_at, files, bytes, entries, subdirectories, others, excluded)
  SELECT path, @mountName, @scan, @chunk, @attempt, 1, 0, files, bytes,
    @scan, @scan, @atSeconds, files, bytes, entries, subdirectories, others, excluded
  FROM staged.directories WHERE rowid BETWEEN @from AND @to`;

const SCANNED = `
  INSERT OR REPLACE INTO main.scanned_dirs (path, mount_point, scan_time)
  SELECT path, ?, ? FROM staged.directories WHERE rowid BETWEEN ? AND ?`;

type Copy = Statement<[mount: string | null, at: number, from: number, to: number]>;

interface Statements {
  files: Copy;
  anyKnown: Statement<[from: number, to: number], number>;
  directories: Statement<[ListingSource & StagedRange]>;
  scanned: Copy;
}

/** Rows of the catalog from images that another thread has written. */
export class StagedRows {
  readonly #database: Db;
  #statements: Statements | null = null;

  constructor(database: Db) {
    this.#database = database;
  }

  files({ from, to }: StagedRange, mount: string | null, at: number): void {
    if (from <= to) this.#prepared().files.run(mount, at, from, to);
  }

  /**
   * Takes in directories as complete.
   * @returns false, and nothing is changed, when one of them was met before
   */
  newDirectories({ from, to }: StagedRange, source: ListingSource): boolean {
    const { anyKnown, directories, scanned } = this.#prepared();
    if (anyKnown.get(from, to) === 1) return false;
    directories.run({ ...source, from, to });
    scanned.run(source.mountName, source.atSeconds, from, to);
    return true;
  }

  /** Only while an image is attached can SQLite read what these say. */
  #prepared(): Statements {
    const database = this.#database;
    return (this.#statements ??= {
      files: database.prepare(FILES),
      anyKnown: database.prepare<[number, number], number>(ANY_KNOWN).pluck(),
      directories: database.prepare(DIRECTORIES),
      scanned: database.prepare(SCANNED),
    });
  }
}

/**
 * Has the rows of an image at hand while `apply` runs. SQLite attaches between two transactions only: the one that is
 * open is committed, before and after.
 */
export function withImage(database: Db, path: string, apply: () => void): void {
  database.exec('COMMIT');
  database.prepare('ATTACH ? AS staged').run(path);
  database.pragma(`staged.cache_size = -${CACHE_KIB}`);
  database.exec('BEGIN');
  apply();
  database.exec('COMMIT; DETACH staged; BEGIN');
}

/** Page 1 of an image, as SQLite itself writes it. */
export function makeImageHead(): Uint8Array {
  const database = openDatabase(':memory:');
  try {
    database.pragma(`page_size = ${imageHead.pageBytes}`);
    database.exec(imageHead.ddl);
    return database.serialize().subarray(0, imageHead.pageBytes);
  } finally {
    database.close();
  }
}
