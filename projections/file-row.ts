import type { PathText } from '../journal/events/index.js';
import type { FileRow } from './bulk-insert.js';
import { checksumCell, exactInteger, mtimeSeconds } from './cells.js';
import { extensionOf, fileTypeOf } from './file-types.js';
import { childPath, nameText, type DirectoryKey } from './path-column.js';

/** Where the cells of a row stand; -1 where a column is not there. */
export interface Columns {
  name: number;
  size: number;
  mtimeNs: number;
  checksum: number;
}

export function columnsOf(names: readonly string[]): Columns {
  return {
    name: names.indexOf('name'),
    size: names.indexOf('size'),
    mtimeNs: names.indexOf('mtimeNs'),
    checksum: names.indexOf('checksum'),
  };
}

/** The row of `files` that a record's cells make, and its path's bytes where they are not UTF-8. */
export function fileRow(
  key: DirectoryKey,
  cells: readonly unknown[],
  columns: Columns,
): { row: FileRow; raw: Buffer | null } {
  const name = cells[columns.name] as PathText;
  const extension = extensionOf(nameText(name));
  const size = exactInteger(cells[columns.size]);
  const mtime = mtimeSeconds(cells[columns.mtimeNs]);
  const checksum = columns.checksum < 0 ? null : checksumCell(cells[columns.checksum], size);
  const { text, raw } = childPath(key, name);
  return { row: [text, size, mtime, checksum, fileTypeOf(extension), extension], raw };
}
