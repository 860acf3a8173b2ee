import { ROW, ROW_WORDS, type IndexedBatch } from '../journal/indexed-batch.js';
import { copyBytes } from './copy-bytes.js';
import { extensionKey, fileTypeOf } from './file-types.js';
import { ImagePages, ImageTree } from './image-tree.js';
import { addDirectories, PLAIN_DIRECTORIES_DDL, type PlainSums } from './plain-directories.js';
import {
  INTEGER_BYTES,
  INTEGER_SERIAL,
  NULL_SERIAL,
  PAGE_BYTES,
  putInteger,
  putVarint,
  REAL_SERIAL,
  textSerial,
  varintBytes,
} from './sqlite-pages.js';

/** Keys in one table of an image, both included. `from` is above `to` where there are none. */
export interface StagedRange {
  from: number;
  to: number;
}

/** What an image holds of a record. */
export interface Staged {
  rows: StagedRange;
  /** All its directories, with sums over the rows; null: they have to be looked at one by one. */
  directories: (StagedRange & PlainSums) | null;
}

/**
 * Rows of `files` and `directories` as a small SQLite database of their own, from which SQLite inserts a million rows in
 * half the time that it takes to cut them out of a payload. Written page by page as
 * https://www.sqlite.org/fileformat2.html has it (sections 1.3 header, 1.6 pages, 2.1 records): tables keyed by a number.
 * What is read from it goes through SQLite into the catalog; nothing is ever kept in one.
 *
 *   page 1    SQLite's own, of an empty database with those tables, but for the number of pages
 *   page 2    the root of `rows`
 *   page 3    the root of `directories`
 *   page 4…   leaves of both, as they were needed
 */
export class RowImage {
  readonly #pages = new ImagePages(IMAGE_PAGES, PAGES_FIXED);
  readonly #rows = new ImageTree(this.#pages, 2);
  readonly #directories = new ImageTree(this.#pages, 3);
  readonly #memory = this.#pages.memory;
  readonly #view = this.#pages.view;
  readonly #kinds = new Map<number | string, Kind>();

  /** @param head page 1 of a database that `imageHead` describes */
  constructor(head: Uint8Array) {
    this.#memory.set(head.subarray(0, PAGE_BYTES));
  }

  /** Begins anew, with no rows. */
  begin(): void {
    this.#pages.begin();
    this.#rows.begin();
    this.#directories.begin();
  }

  /** Whether the next record of usual size might not fit any more. */
  get isFull(): boolean {
    return this.#pages.left <= PAGES_OF_RECORD;
  }

  /** Whether nothing is in it. */
  get isEmpty(): boolean {
    return this.#rows.rows === 0 && this.#directories.rows === 0;
  }

  /**
   * Adds the plain rows of a payload, and its directories where all are plain.
   * @param sums of the payload, see `plainSums`
   * @returns the keys they have, or null, and nothing is added, where one does not fit
   */
  add(batch: IndexedBatch, sums: PlainSums | null): Staged | null {
    const { used } = this.#pages;
    const [rows, directories] = [this.#rows.state(), this.#directories.state()];
    if (this.#addRows(batch) && (sums === null || addDirectories(batch, this.#pages, this.#directories))) {
      const range = { from: directories.rows + 1, to: this.#directories.rows };
      return {
        rows: { from: rows.rows + 1, to: this.#rows.rows },
        directories: sums === null ? null : { ...range, ...sums },
      };
    }
    this.#rows.goBack(rows);
    this.#directories.goBack(directories);
    this.#pages.used = used;
    return null;
  }

  /** The whole database, good until `begin`. */
  finish(): Uint8Array {
    this.#rows.finish();
    this.#directories.finish();
    return this.#pages.finish();
  }

  #addRows(batch: IndexedBatch): boolean {
    for (const range of batch.ranges) {
      // Where the directory's path stands already, with its slash.
      let prefixAt = -1;
      for (let row = range.from; row < range.to; row += 1) {
        const pathAt = this.#row(batch, row * ROW_WORDS, range.pathAt, range.pathBytes, prefixAt);
        if (pathAt < 0) return false;
        prefixAt = pathAt;
      }
    }
    return true;
  }

  /** @param word where the row's places begin @returns where its path stands, or -1 */
  #row(
    batch: IndexedBatch,
    word: number,
    directoryAt: number,
    directoryBytes: number,
    prefixAt: number,
  ): number {
    const { bytes } = batch;
    const { words } = batch.plain;
    const nameAt = words[word + ROW.nameAt] ?? 0;
    const nameBytes = words[word + ROW.nameBytes] ?? 0;
    const sizeAt = nameAt + nameBytes + 2;
    const sizeBytes = words[word + ROW.sizeBytes] ?? 0;
    const mtimeAt = sizeAt + sizeBytes + 2;
    const mtimeBytes = words[word + ROW.mtimeBytes] ?? 0;
    const checksumBytes = words[word + ROW.checksumBytes] ?? 0;
    const mtime = secondsAt(bytes, mtimeAt, mtimeBytes);
    if (Number.isNaN(mtime)) return -1;
    const { type, extension } = this.#kind(bytes, nameAt + nameBytes, words[word + ROW.extensionBytes] ?? 0);

    const pathBytes = directoryBytes + 1 + nameBytes;
    const pathSerial = textSerial(pathBytes);
    const checksumSerial = checksumBytes === 0 ? NULL_SERIAL : textSerial(checksumBytes);
    const headBytes =
      5 +
      varintBytes(pathSerial) +
      varintBytes(checksumSerial) -
      1 +
      varintBytes(textSerial(extension.length));
    const contentBytes = pathBytes + 2 * INTEGER_BYTES + checksumBytes + type.length + extension.length;
    let to = this.#rows.add(headBytes + contentBytes);
    if (to < 0) return -1;

    const memory = this.#memory;
    memory[to++] = headBytes;
    to = putVarint(memory, to, pathSerial);
    memory[to++] = INTEGER_SERIAL;
    memory[to++] = REAL_SERIAL;
    to = putVarint(memory, to, checksumSerial);
    memory[to++] = textSerial(type.length);
    to = putVarint(memory, to, textSerial(extension.length));

    const pathAt = to;
    if (prefixAt < 0) {
      bytes.copy(memory, to, directoryAt, directoryAt + directoryBytes);
      memory[to + directoryBytes] = SLASH;
    } else memory.copyWithin(to, prefixAt, prefixAt + directoryBytes + 1);
    to = copyBytes(bytes, nameAt, nameBytes, memory, to + directoryBytes + 1);
    putInteger(this.#view, to, numberAt(bytes, sizeAt, sizeBytes));
    this.#view.setFloat64(to + INTEGER_BYTES, mtime);
    // Three bytes lie between the time and the checksum.
    to = copyBytes(bytes, mtimeAt + mtimeBytes + 3, checksumBytes, memory, to + 2 * INTEGER_BYTES);
    to = copyBytes(type, 0, type.length, memory, to);
    copyBytes(extension, 0, extension.length, memory, to);
    return pathAt;
  }

  #kind(bytes: Buffer, end: number, length: number): Kind {
    const key = extensionKey(bytes, end - length, length);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    if (this.#kinds.size >= KINDS_MAX) this.#kinds.clear();
    const extension = bytes.toString('latin1', end - length, end).toLowerCase();
    const kind = { type: Buffer.from(fileTypeOf(extension)), extension: Buffer.from(extension) };
    this.#kinds.set(key, kind);
    return kind;
  }
}

/** The database that page 1 is taken from. */
export const imageHead = {
  pageBytes: PAGE_BYTES,
  ddl:
    'CREATE TABLE rows (path TEXT, size INTEGER, mtime REAL, checksum TEXT, type TEXT, extension TEXT);' +
    PLAIN_DIRECTORIES_DDL,
} as const;

/** A file's type and its extension, as texts. */
interface Kind {
  type: Buffer;
  extension: Buffer;
}

/** For some 36,000 rows: going from one to the next costs little beside them. Bigger ones take more memory. */
const IMAGE_PAGES = 64;
/** The first and two roots. */
const PAGES_FIXED = 3;
/** What a record of usual size (64 KiB) may take, whose paths are longer than its names. */
const PAGES_OF_RECORD = 10;
/** Extensions kept; odd ones can be without end. */
const KINDS_MAX = 10_000;

const SLASH = 0x2f;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const NANOSECONDS_PER_SECOND = 1e9;
const NANOSECOND_DIGITS = 9;
/** As many seconds, in nanoseconds, a double still holds exactly: 5^9 of them are below 2^53. Some day in 2116. */
const SECONDS_MAX = 4_600_000_000;

function numberAt(bytes: Buffer, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i += 1) value = value * 10 + ((bytes[i] ?? 0) - DIGIT_0);
  return value;
}

/**
 * Nanoseconds in decimal to seconds, as SQLite divides its 64-bit integer: it is rounded to a double, then divided.
 * @returns NaN for what is too far from 1970 to be sure of the same
 */
function secondsAt(bytes: Buffer, at: number, length: number): number {
  const isBefore = bytes[at] === MINUS;
  const digitsAt = isBefore ? at + 1 : at;
  const end = at + length;
  const split = Math.max(digitsAt, end - NANOSECOND_DIGITS);
  const seconds = numberAt(bytes, digitsAt, split - digitsAt);
  if (seconds > SECONDS_MAX) return Number.NaN;
  const nanoseconds = seconds * NANOSECONDS_PER_SECOND + numberAt(bytes, split, end - split);
  return (isBefore ? -nanoseconds : nanoseconds) / NANOSECONDS_PER_SECOND;
}
