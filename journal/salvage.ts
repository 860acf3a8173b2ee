import { decodeLine, type RawRecord } from './record.js';

const START = Buffer.from('{"seq":');
const CRC_KEY = Buffer.from(',"crc":"');
const PREV_KEY = Buffer.from(',"prev":"');
/** `,"crc":"xxxxxxxx"}` and, before it, `,"prev":"xxxxxxxx"`. */
const TAIL_BYTES = 18;
/** Beginnings tried for one end: more than one only where a line lost its end. */
const STARTS_PER_END_MAX = 16;
const NUL = 0;
const LF = 0x0a;

/** A record found within bytes that are no line. */
export interface Salvaged {
  /** Offsets within the searched bytes. */
  from: number;
  to: number;
  record: RawRecord;
  /** A NUL stands right before it, or its line ends behind it: so it is no part of another record's payload. */
  whole: boolean;
}

/**
 * Finds whole records in bytes that are no line: behind a run of NULs, or glued together by a flipped line
 * feed. Checksums prove what they say; that such a record belongs here, its neighbours must prove.
 */
export function salvage(bytes: Buffer): Salvaged[] {
  const found: Salvaged[] = [];
  let searchedTo = 0;
  for (let key = bytes.indexOf(CRC_KEY); key >= 0; key = bytes.indexOf(CRC_KEY, key + 1)) {
    const end = key + TAIL_BYTES;
    if (end > bytes.length) break;
    if (key < TAIL_BYTES) continue;
    if (
      bytes.compare(PREV_KEY, 0, PREV_KEY.length, key - TAIL_BYTES, key - TAIL_BYTES + PREV_KEY.length) !== 0
    )
      continue;
    const record = startingIn(bytes, searchedTo, end);
    if (record === null) continue;
    found.push(record);
    searchedTo = end;
  }
  return found;
}

function startingIn(bytes: Buffer, from: number, to: number): Salvaged | null {
  let tries = 0;
  for (
    let start = bytes.indexOf(START, from);
    start >= 0 && start < to;
    start = bytes.indexOf(START, start + 1)
  ) {
    if (tries++ >= STARTS_PER_END_MAX) return null;
    const decoded = decodeLine(bytes.subarray(start, to));
    if (!decoded.ok) continue;
    const whole = (start > 0 && bytes[start - 1] === NUL) || bytes[to] === LF;
    return { from: start, to, record: decoded.record, whole };
  }
  return null;
}
