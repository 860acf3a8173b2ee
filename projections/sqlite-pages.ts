/**
 * The pieces of a SQLite database file, as https://www.sqlite.org/fileformat2.html has them: heads of pages (section
 * 1.6), numbers of variable length and kinds of values (2.1).
 */

export const PAGE_BYTES = 65536;
/** Where page 1 says how many pages there are. */
export const PAGE_COUNT_AT = 28;

export const INTERIOR_TABLE = 0x05;
export const LEAF_TABLE = 0x0d;
export const INTERIOR_HEAD_BYTES = 12;
export const LEAF_HEAD_BYTES = 8;
/** Serial types: how a value's kind and length stand in a record. */
export const NULL_SERIAL = 0;
export const INTEGER_SERIAL = 6;
export const INTEGER_BYTES = 8;
export const REAL_SERIAL = 7;
export const textSerial = (bytes: number): number => 13 + 2 * bytes;

const TWO_32 = 2 ** 32;

/** The first eight bytes of a page. @param contentAt where its content begins, in it */
export function putPageHead(
  view: DataView,
  at: number,
  kind: number,
  cells: number,
  contentAt: number,
): void {
  view.setUint8(at, kind);
  view.setUint16(at + 1, 0); // no free blocks
  view.setUint16(at + 3, cells);
  view.setUint16(at + 5, contentAt % PAGE_BYTES); // 65536 is said as 0
  view.setUint8(at + 7, 0); // no fragments
}

/** Of a number below 2^21. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3;
}

/** @returns behind it */
export function putVarint(memory: Buffer, at: number, value: number): number {
  if (value >= 0x4000) memory[at++] = 0x80 | (value >> 14);
  if (value >= 0x80) memory[at++] = 0x80 | ((value >> 7) & 0x7f);
  memory[at++] = value & 0x7f;
  return at;
}

export function putInteger(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / TWO_32));
  view.setUint32(at + 4, value % TWO_32);
}
