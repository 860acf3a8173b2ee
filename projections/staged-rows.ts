import { openDatabase, type Db, type Statement } from './database.js';
import { ListedDirectories } from './listed-directories.js';
import { imageHead, type StagedRange } from './row-image.js';

/** Few pages of it are wanted twice. */
const CACHE_KIB = 1024;

const FILES = `
  INSERT OR REPLACE INTO main.files (path, size, mtime, checksum, mount_point, file_type, extension, scan_time)
  SELECT path, size, mtime, checksum, ?, type, extension, ? FROM staged.rows WHERE rowid BETWEEN ? AND ?`;

/** Rows of the catalog from images that another thread has written. */
export class StagedRows {
  readonly directories: ListedDirectories;
  readonly #database: Db;
  #files: Statement<[mount: string | null, at: number, from: number, to: number]> | null = null;

  constructor(database: Db) {
    this.#database = database;
    this.directories = new ListedDirectories(database, 'staged.directories');
  }

  files({ from, to }: StagedRange, mount: string | null, at: number): void {
    if (from > to) return;
    this.#files ??= this.#database.prepare(FILES);
    this.#files.run(mount, at, from, to);
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
