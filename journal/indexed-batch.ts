import type { EventData, ListedDirectory, PathText } from './events/index.js';
import { ExactSum } from './exact-sum.js';

/** Words per plain row in `PlainRows.words`. Offsets count from the payload's first byte. */
export const ROW_WORDS = 6;
export const ROW = {
  /** First byte of the name, and its length. */
  nameAt: 0,
  nameBytes: 1,
  /** Digits of the size; they stand two bytes behind the name. */
  sizeBytes: 2,
  /** Characters of the time (ns); they stand two bytes behind the size. */
  mtimeBytes: 3,
  /** Characters of the checksum, three bytes behind the time; 0: none. */
  checksumBytes: 4,
  /** Bytes of the name's extension with its dot, ASCII; 0: none. */
  extensionBytes: 5,
} as const;

/** One directory of an indexed payload; reads like the parsed one. */
export class IndexedDirectory implements ListedDirectory {
  readonly path: PathText;
  readonly part: number;
  readonly last: boolean;
  readonly problems: ListedDirectory['problems'];
  readonly entries?: number;
  readonly subdirectories?: number;
  readonly others?: number;
  readonly excluded?: number;
  readonly links?: ListedDirectory['links'];
  readonly inodesUnstable?: boolean;
  readonly allocated?: ListedDirectory['allocated'];
  /** Number of its rows, and the sum of their sizes. */
  readonly rowCount: number;
  readonly rowBytes: number | bigint;
  readonly #rowsJson: Buffer;
  #rows: unknown[][] | null = null;

  constructor(
    head: { path: PathText; part: number; last: boolean },
    rows: { count: number; bytes: number | bigint; json: Buffer },
    tail: Partial<ListedDirectory>,
  ) {
    this.path = head.path;
    this.part = head.part;
    this.last = head.last;
    this.rowCount = rows.count;
    this.rowBytes = rows.bytes;
    this.#rowsJson = rows.json;
    this.problems = tail.problems ?? [];
    Object.assign(this, tail);
  }

  /** Parsed when first asked for. */
  get rows(): unknown[][] {
    this.#rows ??= JSON.parse(`[${this.#rowsJson.toString('utf8')}]`) as unknown[][];
    return this.#rows;
  }

  /** Where its rows stand in the payload that it was read from. */
  rowsIn(payload: Buffer): { from: number; to: number } {
    const from = this.#rowsJson.byteOffset - payload.byteOffset;
    return { from, to: from + this.#rowsJson.length };
  }

  [key: string]: unknown;
}

/** Rows of one directory: those that are plain, and those that have to be parsed. */
export interface RowRange {
  /** First and behind the last of its plain rows, in `PlainRows`. */
  from: number;
  to: number;
  /** Where its path stands in the payload; `pathBytes` 0: its rows are all odd. */
  pathAt: number;
  pathBytes: number;
  /** Cells of rows that are not plain. */
  odd: unknown[][];
}

/** Where the cells of plain rows stand: names without escapes, numbers that are exact in 64 bits. */
export interface PlainRows {
  /** ROW_WORDS for each; what lies behind them means nothing. */
  words: readonly number[];
  count: number;
}

/** An indexed payload; reads like the parsed one. */
export interface IndexedBatch extends EventData<'files.batch'> {
  directories: IndexedDirectory[];
  /** The payload. A view into the read buffer, like `RawRecord.dataBytes`. */
  bytes: Buffer;
  plain: PlainRows;
  /** One for each directory. */
  ranges: RowRange[];
}

export function isIndexed(batch: EventData<'files.batch'>): batch is IndexedBatch {
  return batch instanceof LazyBatch || (batch.directories[0] instanceof IndexedDirectory && 'plain' in batch);
}

/** Directories of a payload, and rows of them all. */
export interface BatchCounts {
  directoryCount: number;
  rowCount: number;
}

export function countsOf(batch: EventData<'files.batch'>): BatchCounts {
  if (batch instanceof LazyBatch) return batch.counts;
  const { directories } = batch;
  const rows = directories.reduce((sum, each) => sum + rowCount(each), 0);
  return { directoryCount: directories.length, rowCount: rows };
}

/** Number of a directory's rows. */
export function rowCount(directory: ListedDirectory): number {
  return directory instanceof IndexedDirectory ? directory.rowCount : directory.rows.length;
}

/** The same, and the sum of their sizes. */
export function rowTotals(directory: ListedDirectory, sizeAt = 1): { files: number; bytes: number | bigint } {
  if (directory instanceof IndexedDirectory) return { files: directory.rowCount, bytes: directory.rowBytes };
  const sum = new ExactSum();
  for (const row of directory.rows) sum.add(sizeOf(row[sizeAt]));
  return { files: directory.rows.length, bytes: sum.value };
}

/** A size as it stands in a row: a number, or a decimal string beyond 2^53. */
export function sizeOf(cell: unknown): number | bigint {
  if (typeof cell === 'number' && Number.isSafeInteger(cell)) return cell;
  return typeof cell === 'string' && /^-?\d+$/.test(cell) ? BigInt(cell) : 0;
}

/** Directories are as `JSON.stringify` leaves them: without `rows`. */
interface CarriedDirectories {
  directories: (ListedDirectory & { rowCount: number; rowBytes: number | bigint })[];
  /** First byte of each directory's rows and the one behind them. */
  rowsAt: number[];
  odd: unknown[][][];
}

/** What stands of a batch beside its directories. */
export interface BatchHead {
  chunk: number;
  attempt: number;
  columns: string[];
  counts: BatchCounts;
}

export function headOf(batch: IndexedBatch): BatchHead {
  const { chunk, attempt, columns } = batch;
  return { chunk, attempt, columns, counts: countsOf(batch) };
}

/**
 * What another thread needs beside the payload's bytes to have its directories again.
 * @returns JSON; null for sums beyond 2^53, which it cannot say
 */
export function carry({ directories, bytes, ranges }: IndexedBatch): string | null {
  if (directories.some(({ rowBytes }) => typeof rowBytes === 'bigint')) return null;
  const rowsAt = directories.flatMap((each) => {
    const { from, to } = each.rowsIn(bytes);
    return [from, to];
  });
  const carried: CarriedDirectories = { directories, rowsAt, odd: ranges.map(({ odd }) => odd) };
  return JSON.stringify(carried);
}

/** Directories of a batch, and those of their rows that are not plain. */
export interface BatchDirectories {
  directories: IndexedDirectory[];
  odd: unknown[][][];
}

/** @param json what `carry` gave @param bytes the payload's bytes, wherever they are now */
export function carried(json: string, bytes: Buffer): BatchDirectories {
  const { directories, rowsAt, odd } = JSON.parse(json) as CarriedDirectories;
  return {
    directories: directories.map((each, i) => {
      const json = bytes.subarray(rowsAt[2 * i], rowsAt[2 * i + 1]);
      return new IndexedDirectory(each, { count: each.rowCount, bytes: each.rowBytes, json }, each);
    }),
    odd,
  };
}

/** An indexed batch without its plain rows, whose directories are read when somebody asks for them. */
export class LazyBatch implements IndexedBatch {
  readonly chunk: number;
  readonly attempt: number;
  readonly columns: string[];
  readonly counts: BatchCounts;
  readonly bytes: Buffer;
  readonly plain: PlainRows = { words: [], count: 0 };
  readonly #read: () => BatchDirectories;
  #directories: BatchDirectories | null = null;

  constructor({ chunk, attempt, columns, counts }: BatchHead, bytes: Buffer, read: () => BatchDirectories) {
    this.chunk = chunk;
    this.attempt = attempt;
    this.columns = columns;
    this.counts = counts;
    this.bytes = bytes;
    this.#read = read;
  }

  get directories(): IndexedDirectory[] {
    return (this.#directories ??= this.#read()).directories;
  }

  get ranges(): RowRange[] {
    const { odd } = (this.#directories ??= this.#read());
    return odd.map((rows) => ({ from: 0, to: 0, pathAt: 0, pathBytes: 0, odd: rows }));
  }

  [key: string]: unknown;
}
