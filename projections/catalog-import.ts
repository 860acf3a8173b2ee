import type { EventData, PathText } from '../journal/events/index.js';
import { exactInteger } from './cells.js';
import type { Db, Statement } from './database.js';
import { pathBytes } from '../journal/path-text.js';
import { directoryKey, pathColumn, type DirectoryKey, type PathColumn } from './path-column.js';

type Cell = string | number | bigint | Buffer | null;

/** Columns of a former catalog's rows in the journal: every cell exactly as it was. `mtimeNs` is for other readers. */
export const IMPORT_COLUMNS = [
  'name',
  'size',
  'mtimeNs',
  'checksum',
  'mtime',
  'mountPoint',
  'fileType',
  'extension',
  'scanTime',
] as const;

/**
 * A former catalog's rows, out of the journal. What the catalog has already of the same paths stays, unless the former
 * system looked later: it may have gone on after an import that was killed.
 * An entry with `formerScannedAt` was in `scanned_dirs`; no directory of an import counts as listed.
 */
export class ImportTables {
  readonly #insertFile: Statement;
  readonly #insertDirectory: Statement;
  readonly #insertScanned: Statement;

  constructor(database: Db) {
    this.#insertFile = database.prepare(
      `INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET
         size = excluded.size, mtime = excluded.mtime, checksum = excluded.checksum, mount_point = excluded.mount_point,
         file_type = excluded.file_type, extension = excluded.extension, scan_time = excluded.scan_time,
         path_raw = excluded.path_raw
       WHERE excluded.scan_time > files.scan_time`,
    );
    this.#insertDirectory = database.prepare(
      `INSERT OR IGNORE INTO directories (path, path_raw, mount_point, scan, chunk, attempt, part, tracked,
         part_files, part_bytes, seen_scan, files, bytes) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?, 0, 0)`,
    );
    this.#insertScanned = database.prepare('INSERT OR IGNORE INTO scanned_dirs VALUES (?, ?, ?)');
  }

  apply(batch: EventData<'files.batch'>, scan: string): void {
    const at = IMPORT_COLUMNS.map((name) => batch.columns.indexOf(name));
    for (const entry of batch.directories) {
      const directory = columnOf(entry.path);
      let mountPoint: Cell = null;
      for (const row of entry.rows) {
        const [name, size, , checksum, mtime, mount, type, extension, scanTime] = at.map(
          (i) => row[i] ?? null,
        );
        mountPoint = cell(mount);
        const path = joined(entry.path, name as PathText);
        this.#insertFile.run(
          path.text,
          exactInteger(size) ?? cell(size),
          cell(mtime),
          cell(checksum),
          mountPoint,
          cell(type),
          cell(extension),
          cell(scanTime),
          path.raw,
        );
      }
      const { formerScannedAt, formerMountPoint } = entry as Record<string, unknown>;
      if (formerScannedAt !== undefined) {
        this.#insertScanned.run(directory.text, cell(formerMountPoint), cell(formerScannedAt));
      }
      if (directory.text.startsWith('/'))
        this.#known(directoryKey(entry.path), mountPoint ?? cell(formerMountPoint), scan);
    }
  }

  /** A later complete listing of it must find it known, so that what is missing there can leave. */
  #known(key: DirectoryKey, mountPoint: Cell, scan: string): void {
    this.#insertDirectory.run(key.text, key.raw, mountPoint, scan, scan);
  }
}

/** Not every path of an import is absolute. */
const columnOf = (path: PathText): PathColumn =>
  typeof path === 'string' ? { text: path, raw: null } : pathColumn(pathBytes(path));

/** What was in a former catalog's `path`: a path without directory is its name. */
function joined(directory: PathText, name: PathText): PathColumn {
  const slash = directory === '' || directory === '/' ? '' : '/';
  if (typeof directory === 'string' && typeof name === 'string')
    return { text: directory + slash + name, raw: null };
  return pathColumn(Buffer.concat([pathBytes(directory), Buffer.from(slash), pathBytes(name)]));
}

/** A cell as SQLite had it: blobs are `{b64}` in the journal. */
function cell(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'number') return value;
  const blob = (value as { b64?: unknown } | null | undefined)?.b64;
  return typeof blob === 'string' ? Buffer.from(blob, 'base64') : null;
}
