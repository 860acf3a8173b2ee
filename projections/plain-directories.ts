import type { IndexedBatch, IndexedDirectory, RowRange } from '../journal/indexed-batch.js';
import type { ImagePages, ImageTree } from './image-tree.js';
import {
  INTEGER_BYTES,
  INTEGER_SERIAL,
  putInteger,
  putVarint,
  textSerial,
  varintBytes,
} from './sqlite-pages.js';

/** Sums over the rows of a record's directories. */
export interface PlainSums {
  files: number;
  bytes: number;
}

/** What stands of a plain directory beside its path, as columns of `directories`. */
export const PLAIN_DIRECTORY_COLUMNS = [
  'files',
  'bytes',
  'entries',
  'subdirectories',
  'others',
  'excluded',
] as const;

export const PLAIN_DIRECTORIES_DDL = `CREATE TABLE directories (path TEXT, ${PLAIN_DIRECTORY_COLUMNS.map((name) => `${name} INTEGER`).join(', ')})`;

/** In the order of PLAIN_DIRECTORY_COLUMNS. */
export function numbersOf(directory: IndexedDirectory): unknown[] {
  const { rowCount, rowBytes, entries, subdirectories, others, excluded } = directory;
  return [rowCount, rowBytes, entries, subdirectories, others, excluded];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether a directory is complete in this entry, and the entry tells nothing but rows that are plain and numbers. */
function isPlain(directory: IndexedDirectory, range: RowRange | undefined): boolean {
  const { part, last, problems, links, allocated } = directory;
  if (part !== 1 || !last || problems.length > 0 || links !== undefined || allocated !== undefined)
    return false;
  return (
    range !== undefined &&
    range.pathBytes > 0 &&
    range.odd.length === 0 &&
    numbersOf(directory).every(isCount)
  );
}

/** @returns null where some directory is not plain, or comes twice */
export function plainSums({ directories, ranges }: IndexedBatch): PlainSums | null {
  const sums = { files: 0, bytes: 0 };
  for (const [i, directory] of directories.entries()) {
    if (!isPlain(directory, ranges[i])) return null;
    sums.files += directory.rowCount;
    sums.bytes += Number(directory.rowBytes);
  }
  const paths = new Set(directories.map(({ path }) => path));
  return paths.size === directories.length && isCount(sums.bytes) ? sums : null;
}

/** Adds the directories of a record, all plain. @returns false when there is no room for one */
export function addDirectories(
  { bytes, directories, ranges }: IndexedBatch,
  { memory, view }: ImagePages,
  tree: ImageTree,
): boolean {
  return directories.every((directory, i) => {
    const { pathAt = 0, pathBytes = 0 } = ranges[i] ?? {};
    const numbers = numbersOf(directory);
    const pathSerial = textSerial(pathBytes);
    const headBytes = 1 + varintBytes(pathSerial) + numbers.length;
    const at = tree.add(headBytes + pathBytes + INTEGER_BYTES * numbers.length);
    if (at < 0) return false;
    memory[at] = headBytes;
    const serials = putVarint(memory, at + 1, pathSerial);
    memory.fill(INTEGER_SERIAL, serials, serials + numbers.length);
    const to = serials + numbers.length;
    bytes.copy(memory, to, pathAt, pathAt + pathBytes);
    numbers.forEach((value, column) => {
      putInteger(view, to + pathBytes + INTEGER_BYTES * column, Number(value));
    });
    return true;
  });
}
