import { ROW, ROW_WORDS, type IndexedBatch } from '../journal/indexed-batch.js';
import { copyBytes } from './copy-bytes.js';
import { extensionKey, fileTypeOf } from './file-types.js';

/**
 * Plain rows of a payload in the form that SQLite cuts up with the fewest steps (see `PackedInsert`): all their texts,
 * and of each row one line of fixed width that says where its texts stand and what its numbers are.
 */
export interface PackedRows {
  /** Of each row its whole path, and its checksum where it has one. */
  texts: Uint8Array;
  /** PLACE_BYTES for each row; see `PLACE`. */
  places: Uint8Array;
  count: number;
  /** JSON: `[[extension, file type], …]`; a row names one by its place in it. */
  kinds: string;
}

/** A row's line: where each of its numbers begins, in decimal digits. The two pairs of three are one integer each. */
export const PLACE = {
  /** Path in `texts`, counted from 1 as SQL does; 7 digits. */
  textAt: 0,
  /** 5 digits. */
  pathBytes: 7,
  /** 5 digits. */
  kind: 12,
  /** 15 digits. */
  size: 17,
  /** 0: none; 3 digits. */
  checksumBytes: 32,
  /** As it stands in the row, spaces before it. */
  mtimeNs: 35,
} as const;
export const PLACE_BYTES = 55;

/** Rows packed at once. */
export const PACKED_ROWS_MAX = 4096;
/** Their texts end here: a record of many names in a very deep directory is packed in several steps. */
const TEXT_BYTES_MAX = 1024 * 1024;
/** Longest path, name and checksum of a plain row. */
const TEXT_BYTES_OF_ROW_MAX = 12_000;

const SLASH = 0x2f;
const SPACE = 0x20;
const DIGIT_0 = 0x30;

/** Packs the plain rows of payloads. Its memory is used again and again. */
export class RowPacker {
  readonly #texts = Buffer.alloc(TEXT_BYTES_MAX + TEXT_BYTES_OF_ROW_MAX);
  readonly #places = Buffer.alloc(PACKED_ROWS_MAX * PLACE_BYTES);
  #textEnd = 0;
  #count = 0;
  #kinds = new Map<number | string, number>();
  #kindList: [extension: string, type: string][] = [];

  /** All plain rows in their order: at once, as a rule. What is given is good until the next is asked for. */
  *pack(batch: IndexedBatch): Generator<PackedRows> {
    this.#begin();
    for (const range of batch.ranges) {
      // Where the directory's path stands already, with its slash.
      let prefixAt = -1;
      const prefixBytes = range.pathBytes + 1;
      for (let row = range.from; row < range.to; row += 1) {
        if (this.#count === PACKED_ROWS_MAX || this.#textEnd > TEXT_BYTES_MAX) {
          yield this.#packed();
          this.#begin();
          prefixAt = -1;
        }
        const at = this.#textEnd;
        if (prefixAt < 0) {
          batch.bytes.copy(this.#texts, at, range.pathAt, range.pathAt + range.pathBytes);
          this.#texts[at + range.pathBytes] = SLASH;
          prefixAt = at;
        } else this.#texts.copyWithin(at, prefixAt, prefixAt + prefixBytes);
        this.#row(batch, row * ROW_WORDS, prefixBytes);
      }
    }
    if (this.#count > 0) yield this.#packed();
  }

  #begin(): void {
    this.#textEnd = 0;
    this.#count = 0;
    this.#kinds = new Map();
    this.#kindList = [];
  }

  #packed(): PackedRows {
    return {
      texts: this.#texts.subarray(0, this.#textEnd),
      places: this.#places.subarray(0, this.#count * PLACE_BYTES),
      count: this.#count,
      kinds: JSON.stringify(this.#kindList),
    };
  }

  /** Adds a row whose directory is there already. @param word where its places begin */
  #row({ bytes, plain: { words } }: IndexedBatch, word: number, prefixBytes: number): void {
    const texts = this.#texts;
    const places = this.#places;
    const nameAt = words[word + ROW.nameAt] ?? 0;
    const nameBytes = words[word + ROW.nameBytes] ?? 0;
    const sizeBytes = words[word + ROW.sizeBytes] ?? 0;
    const mtimeBytes = words[word + ROW.mtimeBytes] ?? 0;
    const checksumBytes = words[word + ROW.checksumBytes] ?? 0;
    const extensionBytes = words[word + ROW.extensionBytes] ?? 0;
    const sizeAt = nameAt + nameBytes + 2;
    const mtimeAt = sizeAt + sizeBytes + 2;
    const place = this.#count * PLACE_BYTES;

    digits(places, place + PLACE.textAt, 7, this.#textEnd + 1);
    digits(places, place + PLACE.pathBytes, 5, prefixBytes + nameBytes);
    digits(places, place + PLACE.kind, 5, this.#kind(bytes, sizeAt - 2 - extensionBytes, extensionBytes));
    const sizeEnd = place + PLACE.checksumBytes;
    fill(places, place + PLACE.size, sizeEnd - sizeBytes, DIGIT_0);
    copyBytes(bytes, sizeAt, sizeBytes, places, sizeEnd - sizeBytes);
    digits(places, sizeEnd, 3, checksumBytes);
    const mtimeEnd = place + PLACE_BYTES;
    fill(places, place + PLACE.mtimeNs, mtimeEnd - mtimeBytes, SPACE);
    copyBytes(bytes, mtimeAt, mtimeBytes, places, mtimeEnd - mtimeBytes);

    const nameTo = this.#textEnd + prefixBytes;
    copyBytes(bytes, nameAt, nameBytes, texts, nameTo);
    // Three bytes lie between the time and the checksum.
    copyBytes(bytes, mtimeAt + mtimeBytes + 3, checksumBytes, texts, nameTo + nameBytes);
    this.#textEnd = nameTo + nameBytes + checksumBytes;
    this.#count += 1;
  }

  /** The place of an extension's kind. */
  #kind(bytes: Buffer, at: number, length: number): number {
    const key = extensionKey(bytes, at, length);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const extension = bytes.toString('latin1', at, at + length).toLowerCase();
    this.#kinds.set(key, this.#kindList.length);
    this.#kindList.push([extension, fileTypeOf(extension)]);
    return this.#kindList.length - 1;
  }
}

/** Few bytes: the loop takes less than a call of Buffer's own. */
function fill(buffer: Buffer, from: number, to: number, byte: number): void {
  for (let i = from; i < to; i += 1) buffer[i] = byte;
}

/** Writes a number below 10^width with leading zeros. */
function digits(buffer: Buffer, at: number, width: number, value: number): void {
  for (let i = at + width - 1; i >= at; i -= 1) {
    const rest = (value / 10) | 0;
    buffer[i] = DIGIT_0 + value - rest * 10;
    value = rest;
  }
}
