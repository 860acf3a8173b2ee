import { ROW, ROW_WORDS, type IndexedBatch } from '../journal/indexed-batch.js';
import { copyBytes } from './copy-bytes.js';
import { extensionKey, fileTypeOf } from './file-types.js';
import {
  INTEGER_SERIAL,
  INTERIOR_HEAD_BYTES,
  INTERIOR_TABLE,
  LEAF_HEAD_BYTES,
  LEAF_TABLE,
  NULL_SERIAL,
  PAGE_BYTES,
  PAGE_COUNT_AT,
  putInteger,
  putPageHead,
  putVarint,
  REAL_SERIAL,
  textSerial,
  varintBytes,
} from './sqlite-pages.js';

/**
 * Rows of `files` as a small SQLite database of their own, from which SQLite inserts a million rows in half the time
 * that it takes to cut them out of a payload. Written page by page as https://www.sqlite.org/fileformat2.html has it
 * (sections 1.3 header, 1.6 pages, 2.1 records): one table `rows`, keyed by a number. What is read from it goes through
 * SQLite into the catalog; nothing is ever kept in one.
 *
 *   page 1    SQLite's own, of an empty database with that table, but for the number of pages
 *   page 2    the root: of each page below, its number and its last key
 *   page 3…   leaves: from their end the rows, from their start where each begins
 */
export class RowImage {
  readonly #memory = Buffer.alloc(IMAGE_BYTES);
  readonly #view = new DataView(this.#memory.buffer, this.#memory.byteOffset);
  readonly #kinds = new Map<number | string, Kind>();
  /** Last key of each leaf that is full. */
  #lastKeys: number[] = [];
  /** Of the leaf that is being filled: its first byte, its rows, and the first byte of the last one. */
  #leafAt = 0;
  #leafRows = 0;
  #contentAt = 0;
  #rows = 0;

  /** @param head page 1 of a database that `imageHead` describes */
  constructor(head: Uint8Array) {
    this.#memory.set(head.subarray(0, PAGE_BYTES));
    this.begin();
  }

  /** Begins anew, with no rows. */
  begin(): void {
    this.#lastKeys = [];
    this.#rows = 0;
    this.#beginLeaf();
  }

  /** Whether the next record of usual size might not fit any more. */
  get isFull(): boolean {
    return this.#lastKeys.length >= LEAVES_MAX - LEAVES_OF_RECORD;
  }

  /**
   * Adds the plain rows of a payload.
   * @returns the keys they have, or null, and nothing is added, where one does not fit
   */
  add(batch: IndexedBatch): { from: number; to: number } | null {
    const before = {
      leaves: this.#lastKeys.length,
      leafAt: this.#leafAt,
      leafRows: this.#leafRows,
      contentAt: this.#contentAt,
      rows: this.#rows,
    };
    if (this.#addAll(batch)) return { from: before.rows + 1, to: this.#rows };
    this.#lastKeys.length = before.leaves;
    this.#leafAt = before.leafAt;
    this.#leafRows = before.leafRows;
    this.#contentAt = before.contentAt;
    this.#rows = before.rows;
    return null;
  }

  /** Rows in it. */
  get rows(): number {
    return this.#rows;
  }

  /** The whole database, good until `begin`. */
  finish(): Uint8Array {
    this.#endLeaf();
    const children = this.#lastKeys.length;
    // A root that has but one page below it is no tree: then that page is the root.
    if (children > 1) this.#putRoot();
    else this.#memory.copyWithin(ROOT_AT, ROOT_AT + PAGE_BYTES, ROOT_AT + 2 * PAGE_BYTES);
    const pages = children > 1 ? FIRST_LEAF - 1 + children : 2;
    this.#view.setUint32(PAGE_COUNT_AT, pages);
    return this.#memory.subarray(0, pages * PAGE_BYTES);
  }

  #putRoot(): void {
    const view = this.#view;
    const root = ROOT_AT;
    const children = this.#lastKeys.length;
    let contentAt = root + PAGE_BYTES;
    this.#lastKeys.slice(0, -1).forEach((key, i) => {
      contentAt -= 4 + varintBytes(key);
      view.setUint32(contentAt, FIRST_LEAF + i);
      putVarint(this.#memory, contentAt + 4, key);
      view.setUint16(root + INTERIOR_HEAD_BYTES + 2 * i, contentAt - root);
    });
    putPageHead(view, root, INTERIOR_TABLE, children - 1, contentAt - root);
    view.setUint32(root + 8, FIRST_LEAF + children - 1);
  }

  #addAll(batch: IndexedBatch): boolean {
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
    const contentBytes = pathBytes + 16 + checksumBytes + type.length + extension.length;
    const at = this.#room(headBytes + contentBytes);
    if (at < 0) return -1;

    const memory = this.#memory;
    let to = putVarint(memory, at, headBytes + contentBytes);
    to = putVarint(memory, to, this.#rows);
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
    this.#view.setFloat64(to + 8, mtime);
    // Three bytes lie between the time and the checksum.
    to = copyBytes(bytes, mtimeAt + mtimeBytes + 3, checksumBytes, memory, to + 16);
    to = copyBytes(type, 0, type.length, memory, to);
    copyBytes(extension, 0, extension.length, memory, to);
    return pathAt;
  }

  /** Makes room for one more row. @returns where it begins, or -1 when the image is full */
  #room(payloadBytes: number): number {
    const cellBytes = varintBytes(payloadBytes) + varintBytes(this.#rows + 1) + payloadBytes;
    const pointersEnd = (): number => this.#leafAt + LEAF_HEAD_BYTES + 2 * (this.#leafRows + 1);
    if (this.#contentAt - cellBytes < pointersEnd()) {
      if (this.#lastKeys.length + 1 >= LEAVES_MAX) return -1;
      this.#endLeaf();
      this.#beginLeaf();
    }
    this.#contentAt -= cellBytes;
    this.#rows += 1;
    const pointerAt = this.#leafAt + LEAF_HEAD_BYTES + 2 * this.#leafRows;
    this.#view.setUint16(pointerAt, this.#contentAt - this.#leafAt);
    this.#leafRows += 1;
    return this.#contentAt;
  }

  #beginLeaf(): void {
    this.#leafAt = (FIRST_LEAF - 1 + this.#lastKeys.length) * PAGE_BYTES;
    this.#leafRows = 0;
    this.#contentAt = this.#leafAt + PAGE_BYTES;
  }

  #endLeaf(): void {
    putPageHead(this.#view, this.#leafAt, LEAF_TABLE, this.#leafRows, this.#contentAt - this.#leafAt);
    this.#lastKeys.push(this.#rows);
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
  ddl: 'CREATE TABLE rows (path TEXT, size INTEGER, mtime REAL, checksum TEXT, type TEXT, extension TEXT)',
} as const;

/** A file's type and its extension, as texts. */
interface Kind {
  type: Buffer;
  extension: Buffer;
}

/** Some 36,000 rows: going from one to the next costs little beside them. Bigger ones take more memory. */
const IMAGE_BYTES = 4 * 1024 * 1024;
/** The first byte of page 2. */
const ROOT_AT = PAGE_BYTES;
/** Pages are counted from 1. */
const FIRST_LEAF = 3;
const LEAVES_MAX = IMAGE_BYTES / PAGE_BYTES - (FIRST_LEAF - 1);
/** Leaves that the rows of a record of usual size (64 KiB) may take, whose paths are longer than its names. */
const LEAVES_OF_RECORD = 8;
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
