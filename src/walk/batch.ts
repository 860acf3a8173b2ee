import type { BigIntStats } from 'node:fs';
import { RECORD_BYTES_TARGET } from '../../journal/record.js';
import { nameJson } from './names.js';
import { noTotals, RECORD_MS, type Totals } from './protocol.js';

/** Bytes of `data` a record aims at: what is left of the target beside the keys of the line. */
const BATCH_BYTES_TARGET = RECORD_BYTES_TARGET - 1024;
/** What the rows of one part may take at least, however long the path of their directory. */
const ROWS_CHARS_MIN = 16 * 1024;
/** What ends a payload. */
const END = ']}';
/** Longest JSON text of a path, in bytes: with its rows it still fits into a record of 1 MiB. */
export const PATH_JSON_BYTES_MAX = 640 * 1024;

/** The four numbers that end a directory's listing. */
export interface DirectoryCounts {
  entries: number;
  subdirectories: number;
  others: number;
  excluded: number;
}

/**
 * Gathers directories into payloads of `files.batch`: no object per file, nothing serialised twice. Each directory turns
 * into bytes at once, for text that lives long is copied by the garbage collector again and again.
 * `emit` gets a payload, in a buffer of its own, and what the directories that end in it held.
 */
export class BatchBuilder {
  readonly #head: string;
  readonly #emit: (data: Uint8Array, totals: Totals) => void;
  #bytes = Buffer.alloc(0);
  #length = 0;
  #totals = noTotals();

  constructor(options: {
    chunk: number;
    attempt: number;
    columns: readonly string[];
    emit: (data: Uint8Array, totals: Totals) => void;
  }) {
    this.#emit = options.emit;
    this.#head = `{"chunk":${options.chunk},"attempt":${options.attempt},"columns":${JSON.stringify(options.columns)},"directories":[`;
  }

  get totals(): Totals {
    return this.#totals;
  }

  add(directoryJson: string): void {
    const bytes = Buffer.byteLength(directoryJson);
    if (this.#length > 0 && this.#length + bytes > BATCH_BYTES_TARGET) this.flush();
    if (this.#length > 0) this.#append(',');
    else this.#begin(bytes);
    this.#append(directoryJson);
  }

  /** Hands out what is gathered. Returns whether there was anything. */
  flush(): boolean {
    if (this.#length === 0) return false;
    this.#append(END);
    const data = this.#bytes.subarray(0, this.#length);
    const totals = this.#totals;
    this.#length = 0;
    this.#totals = noTotals();
    this.#emit(data, totals);
    return true;
  }

  /** @param bytes of the directory that comes first */
  #begin(bytes: number): void {
    const needed = this.#head.length + bytes + END.length;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(RECORD_BYTES_TARGET, needed));
    this.#append(this.#head);
  }

  #append(text: string): void {
    this.#length += this.#bytes.write(text, this.#length);
  }
}

/** Writes one directory into a batch, in parts where it is big. */
export class DirectoryWriter {
  readonly #batch: BatchBuilder;
  readonly #head: string;
  readonly #mount: string;
  readonly #charsMax: number;
  #part = 1;
  #rows = '';
  #problems = '';
  #partProblems = 0;
  #links = '';
  #inodesUnstable = false;
  #allocated = '';
  /** When the part in hand was begun. */
  #partSinceMs: number;
  #files = 0;
  /** Files in the parts before this one. */
  #filesBefore = 0;
  #bytes = 0n;

  /** @param mountType type of the file system mounted exactly here: the record names it */
  constructor(batch: BatchBuilder, path: string, nowMs: number, mountType?: string) {
    this.#batch = batch;
    this.#partSinceMs = nowMs;
    this.#head = `{"path":${nameJson(path)},"part":`;
    this.#charsMax = Math.max(ROWS_CHARS_MIN, BATCH_BYTES_TARGET - this.#head.length);
    this.#mount = mountType === undefined ? '' : `,"mount":${JSON.stringify(mountType)}`;
  }

  get inParts(): boolean {
    return this.#part > 1;
  }

  /** @param checksumJson the cell with its comma, or '' where no checksum is asked for */
  row(name: string, size: bigint, mtimeNs: bigint, checksumJson: string): void {
    const row = `[${nameJson(name)},${integerJson(size)},"${mtimeNs}"${checksumJson}]`;
    this.#rows += this.#rows === '' ? row : `,${row}`;
    this.#files += 1;
    this.#bytes += size;
    if (this.#rows.length > this.#charsMax) this.#spill();
  }

  /**
   * The next row is of a file with several names.
   * @param stable whether its inode number identifies it
   */
  link({ dev, ino, nlink }: BigIntStats, stable: boolean): void {
    const text = `[${this.#nextRow},${integerJson(dev)},${integerJson(ino)},${nlink}]`;
    this.#links += this.#links === '' ? text : `,${text}`;
    this.#inodesUnstable ||= !stable;
  }

  /** The next row is of a file to which so many bytes are allocated: less than its size. */
  allocated(bytes: bigint): void {
    const text = `[${this.#nextRow},${integerJson(bytes)}]`;
    this.#allocated += this.#allocated === '' ? text : `,${text}`;
  }

  /** Ends the part in hand where it has been gathered for long. Returns whether it did. */
  endOldPart(nowMs: number): boolean {
    if (nowMs - this.#partSinceMs < RECORD_MS) return false;
    this.#partSinceMs = nowMs;
    if (this.#rows === '' && this.#problems === '') return false;
    this.#spill();
    return true;
  }

  get #nextRow(): number {
    return this.#files - this.#filesBefore;
  }

  problem(name: string, operation: string, code: string): void {
    const text = `{"name":${nameJson(name)},"operation":"${operation}","code":"${code}"}`;
    this.#problems += this.#problems === '' ? text : `,${text}`;
    this.#partProblems += 1;
    if (this.#problems.length > this.#charsMax / 2) this.#spill();
  }

  /**
   * The listing ended: only now do its files count.
   * @param vanished the directory was gone, so it holds nothing; the record says so
   */
  finish(counts: DirectoryCounts, vanished = false): void {
    const { entries, subdirectories, others, excluded } = counts;
    const text = `,"entries":${entries},"subdirectories":${subdirectories},"others":${others},"excluded":${excluded}`;
    this.#add(true, vanished ? `${text},"vanished":true` : text);
    const totals = this.#batch.totals;
    totals.directories += 1;
    totals.files += this.#files;
    totals.bytes += this.#bytes;
  }

  /** The directory could not be listed, or not to its end. What was read of it stays recorded. */
  fail(operation: string, code: string): void {
    this.problem('', operation, code);
    if (this.#problems !== '') this.#add(false, '');
  }

  #spill(): void {
    this.#add(false, '');
    this.#part += 1;
    this.#rows = '';
    this.#problems = '';
    this.#partProblems = 0;
    this.#links = '';
    this.#inodesUnstable = false;
    this.#allocated = '';
    this.#filesBefore = this.#files;
  }

  /** Problems count with the record that holds them. */
  #add(last: boolean, counts: string): void {
    this.#batch.add(
      `${this.#head}${this.#part},"last":${last},"rows":[${this.#rows}],"problems":[${this.#problems}]${this.#extras}${counts}${this.#mount}}`,
    );
    this.#batch.totals.problems += this.#partProblems;
  }

  /** What few rows have beside their cells. */
  get #extras(): string {
    let text = '';
    if (this.#links !== '') text += `,"links":[${this.#links}]`;
    if (this.#inodesUnstable) text += ',"inodesUnstable":true';
    if (this.#allocated !== '') text += `,"allocated":[${this.#allocated}]`;
    return text;
  }
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function integerJson(value: bigint): string {
  return value > MAX_SAFE ? `"${value}"` : `${value}`;
}
