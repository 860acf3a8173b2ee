import { isUtf8 } from 'node:buffer';
import type { ListedDirectory, PathText } from './events/index.js';
import { ExactSum } from './exact-sum.js';
import {
  IndexedDirectory,
  ROW,
  ROW_WORDS,
  type IndexedBatch,
  type RowRange,
  sizeOf,
} from './indexed-batch.js';
import {
  QUOTE,
  COMMA,
  MINUS,
  DOT,
  DIGIT_0,
  DIGIT_9,
  OPEN,
  BACKSLASH,
  CLOSE,
  BRACE_CLOSE,
  SPACE,
  SLASH,
  ASCII_MAX,
  endOfContainer,
  endOfValue,
  isDigit,
} from './json-bytes.js';

/**
 * Reads a payload of `files.batch` where it lies. A scan is nearly all such payloads, and most of their readers want
 * sums per directory, or cells to hand on: neither needs an object and a string per file. What is read here is the
 * form that our writers give a payload; any other text of the same meaning is left to `JSON.parse`.
 */

/** Longest name, path and checksum of a plain row: what no file system or digest exceeds. */
const NAME_BYTES_MAX = 999;
const PATH_BYTES_MAX = 9999;
const CHECKSUM_BYTES_MAX = 999;
/** Numbers of so many digits are exact as a double, and as a 64-bit integer. */
const SIZE_DIGITS_MAX = 15;
const MTIME_DIGITS_MAX = 19;

/** What a row takes at least, mostly: for so many there is room for their places before it has to grow. */
const ROW_BYTES = 40;

const HEAD =
  /^\{"chunk":(\d{1,15}),"attempt":(\d{1,15}),"columns":\["name","size","mtimeNs"(,"checksum")?\],"directories":\[/;
const HEAD_BYTES_MAX = 128;
const PART = /^,"part":([1-9]\d{0,8}),"last":(true|false),"rows":\[/;
const PART_BYTES_MAX = 48;
const PATH_HEAD = '{"path":';
/** Ends nearly every directory. */
const PLAIN_TAIL =
  /^\],"problems":\[\],"entries":(\d{1,15}),"subdirectories":(\d{1,15}),"others":(\d{1,15}),"excluded":(\d{1,15})\}/;
const TAIL_BYTES_MAX = 144;

/** @returns null when the payload has another form than our writers give it */
export function indexFiles(data: Buffer): IndexedBatch | null {
  const head = HEAD.exec(data.toString('latin1', 0, Math.min(HEAD_BYTES_MAX, data.length)));
  if (head === null || !isUtf8(data)) return null;
  const [matched, chunk, attempt, checksum] = head;
  const scanner = new Scanner(data, matched.length, checksum !== undefined);
  if (!scanner.run()) return null;
  return {
    chunk: Number(chunk),
    attempt: Number(attempt),
    columns: checksum === undefined ? ['name', 'size', 'mtimeNs'] : ['name', 'size', 'mtimeNs', 'checksum'],
    directories: scanner.directories,
    bytes: data,
    plain: { words: scanner.words, count: scanner.count },
    ranges: scanner.ranges,
  };
}

/** Walks over a payload once. Its methods leave `at` behind what they have read. */
class Scanner {
  readonly directories: IndexedDirectory[] = [];
  readonly ranges: RowRange[] = [];
  readonly words: number[];
  count = 0;
  readonly #data: Buffer;
  readonly #hasChecksum: boolean;
  #at: number;
  /** Of the directory at hand. */
  #odd: unknown[][] = [];
  #sum = new ExactSum();

  constructor(data: Buffer, at: number, hasChecksum: boolean) {
    this.#data = data;
    // An array: a typed one of this size lies outside the heap, and costs more to get than a small payload to read.
    this.words = new Array<number>(Math.ceil(data.length / ROW_BYTES) * ROW_WORDS);
    this.#at = at;
    this.#hasChecksum = hasChecksum;
  }

  /** The directories to the end. False: the payload has another form. */
  run(): boolean {
    const data = this.#data;
    if (data[this.#at] !== CLOSE) {
      do {
        if (!this.#directory()) return false;
      } while (data[this.#at++] === COMMA);
      this.#at -= 1;
    }
    return data[this.#at] === CLOSE && data[this.#at + 1] === BRACE_CLOSE && this.#at + 2 === data.length;
  }

  #directory(): boolean {
    const data = this.#data;
    const place = this.#path();
    if (place === null) return false;
    const part = PART.exec(
      data.toString('latin1', this.#at, Math.min(this.#at + PART_BYTES_MAX, data.length)),
    );
    if (part === null) return false;
    this.#at += part[0].length;
    const from = this.count;
    const rowsAt = this.#at;
    this.#odd = [];
    this.#sum = new ExactSum();
    if (!this.#rows(place.pathBytes > 0)) return false;
    const json = data.subarray(rowsAt, this.#at);
    const tail = this.#tail();
    if (tail === null) return false;
    const count = this.count - from + this.#odd.length;
    const { path, pathAt, pathBytes } = place;
    this.directories.push(
      new IndexedDirectory(
        { path, part: Number(part[1]), last: part[2] === 'true' },
        { count, bytes: this.#sum.value, json },
        tail,
      ),
    );
    this.ranges.push({ from, to: this.count, pathAt, pathBytes, odd: this.#odd });
    return true;
  }

  #path(): { path: PathText; pathAt: number; pathBytes: number } | null {
    const data = this.#data;
    if (data.toString('latin1', this.#at, this.#at + PATH_HEAD.length) !== PATH_HEAD) return null;
    const from = this.#at + PATH_HEAD.length;
    const end = endOfValue(data, from);
    if (end < 0) return null;
    this.#at = end;
    const plain = data[from] === QUOTE && !data.subarray(from, end).includes(BACKSLASH);
    if (!plain)
      return { path: JSON.parse(data.toString('utf8', from, end)) as PathText, pathAt: 0, pathBytes: 0 };
    const path = data.toString('utf8', from + 1, end - 1);
    const pathBytes = end - from - 2;
    // `/` alone ends in the slash that stands between a directory and a name.
    const joins = pathBytes <= PATH_BYTES_MAX && data[end - 2] !== SLASH;
    return { path, pathAt: from + 1, pathBytes: joins ? pathBytes : 0 };
  }

  /** The rows up to their closing bracket. @param mayBePlain whether the directory's path can be copied as it is */
  #rows(mayBePlain: boolean): boolean {
    const data = this.#data;
    if (data[this.#at] === CLOSE) return true;
    for (;;) {
      if (data[this.#at] !== OPEN) return false;
      const end = (mayBePlain ? this.#plainRow(this.#at) : 0) || this.#oddRow(this.#at);
      if (end < 0) return false;
      const next = data[end];
      this.#at = end;
      if (next === CLOSE) return true;
      if (next !== COMMA) return false;
      this.#at += 1;
    }
  }

  #oddRow(at: number): number {
    const end = endOfValue(this.#data, at);
    if (end < 0) return -1;
    const cells = JSON.parse(this.#data.toString('utf8', at, end)) as unknown[];
    this.#odd.push(cells);
    this.#sum.add(sizeOf(cells[1]));
    return end;
  }

  /** Notes a row such as `["name",12,"1700000000000000000"]`. @returns behind it, or 0 when it is not plain */
  #plainRow(at: number): number {
    const data = this.#data;
    if (data[at + 1] !== QUOTE) return 0;
    const nameAt = at + 2;
    let dot = 0;
    let i = nameAt;
    for (let c = data[i]; c !== QUOTE; c = data[++i]) {
      if (c === undefined || c < SPACE || c === BACKSLASH) return 0;
      if (c === DOT) dot = i;
    }
    const nameBytes = i - nameAt;
    const extensionBytes = dot <= nameAt || dot === i - 1 ? 0 : i - dot;
    for (let j = i - extensionBytes; j < i; j += 1) if ((data[j] ?? 0) > ASCII_MAX) return 0;
    if (nameBytes === 0 || nameBytes > NAME_BYTES_MAX || data[i + 1] !== COMMA) return 0;

    const sizeAt = i + 2;
    let size = 0;
    for (i = sizeAt; isDigit(data[i]); i += 1) size = size * 10 + ((data[i] ?? 0) - DIGIT_0);
    const sizeBytes = i - sizeAt;
    if (sizeBytes === 0 || sizeBytes > SIZE_DIGITS_MAX) return 0;
    if (data[i] !== COMMA || data[i + 1] !== QUOTE) return 0;

    const mtimeAt = i + 2;
    const digitsAt = data[mtimeAt] === MINUS ? mtimeAt + 1 : mtimeAt;
    for (i = digitsAt; isDigit(data[i]); i += 1);
    const mtimeBytes = i - mtimeAt;
    if (i === digitsAt || i - digitsAt > MTIME_DIGITS_MAX || data[i] !== QUOTE) return 0;
    // A first digit 0 may be a minus zero, 9 beyond 2^63.
    if (mtimeBytes > 1 && (data[digitsAt] === DIGIT_0 || data[digitsAt] === DIGIT_9)) return 0;

    const end = this.#hasChecksum ? endOfChecksum(data, i + 1) : i + 1;
    if (end === 0 || data[end] !== CLOSE) return 0;
    const isNull = !this.#hasChecksum || data[end - 1] !== QUOTE;
    this.#sum.add(size);
    this.#note(nameAt, nameBytes, sizeBytes, mtimeBytes, isNull ? 0 : end - i - 4, extensionBytes);
    return end + 1;
  }

  #note(
    nameAt: number,
    nameBytes: number,
    sizeBytes: number,
    mtimeBytes: number,
    checksumBytes: number,
    extensionBytes: number,
  ): void {
    const at = this.count * ROW_WORDS;
    const words = this.words;
    words[at + ROW.nameAt] = nameAt;
    words[at + ROW.nameBytes] = nameBytes;
    words[at + ROW.sizeBytes] = sizeBytes;
    words[at + ROW.mtimeBytes] = mtimeBytes;
    words[at + ROW.checksumBytes] = checksumBytes;
    words[at + ROW.extensionBytes] = extensionBytes;
    this.count += 1;
  }

  /** What follows the rows, from their closing bracket to the directory's closing brace. */
  #tail(): Partial<ListedDirectory> | null {
    const data = this.#data;
    const plain = PLAIN_TAIL.exec(
      data.toString('latin1', this.#at, Math.min(this.#at + TAIL_BYTES_MAX, data.length)),
    );
    if (plain !== null) {
      this.#at += plain[0].length;
      const [, entries, subdirectories, others, excluded] = plain;
      return {
        entries: Number(entries),
        subdirectories: Number(subdirectories),
        others: Number(others),
        excluded: Number(excluded),
      };
    }
    const from = this.#at + 2; // behind `],`
    const end = endOfContainer(data, from);
    if (end < 0 || data[from - 1] !== COMMA || data[end - 1] !== BRACE_CLOSE) return null;
    this.#at = end;
    const tail = JSON.parse(`{${data.toString('utf8', from, end)}`) as Partial<ListedDirectory>;
    return Array.isArray(tail.problems) && !('rows' in tail) ? tail : null;
  }
}

/** Behind `,null` or `,"…"`; 0 for anything else. */
function endOfChecksum(data: Buffer, at: number): number {
  if (data[at] !== COMMA) return 0;
  if (data[at + 1] !== QUOTE) return data.toString('latin1', at, at + 5) === ',null' ? at + 5 : 0;
  let i = at + 2;
  for (let c = data[i]; c !== QUOTE; c = data[++i]) {
    if (c === undefined || c < SPACE || c === BACKSLASH) return 0;
  }
  const bytes = i - at - 2;
  return bytes > 0 && bytes <= CHECKSUM_BYTES_MAX ? i + 1 : 0;
}
