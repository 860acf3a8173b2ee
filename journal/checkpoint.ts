import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { JournalError } from './errors.js';
import type { EventData } from './events/index.js';
import { readAround } from './read-around.js';
import { decodeLine, RECORD_BYTES_MAX, type RawRecord } from './record.js';
import { salvage } from './salvage.js';
import type { SegmentPosition } from './segments.js';
import { errnoName } from './storage.js';
import { openingIn, sealOf } from './testimony.js';

const LF = 0x0a;
const BLOCK_BYTES = 1024 * 1024;

/** A counted record with its place. */
export interface ReadRecord {
  /** Valid until the next batch is asked for. */
  record: RawRecord;
  /** Relative to the journal's folder. */
  file: string;
  segment: number;
  /** Offset behind it, in its segment. */
  end: number;
}

/** The record whose line ends right before an offset; null where there is none. */
export async function recordEndingAt(path: string, offset: number): Promise<RawRecord | null> {
  const handle = await open(path, 'r');
  try {
    const from = Math.max(0, offset - RECORD_BYTES_MAX);
    const buffer = Buffer.allocUnsafe(offset - from);
    if ((await readAround(handle, buffer, 0, buffer.length, from)) < buffer.length) return null;
    const end = buffer.at(-1) === LF ? buffer.length - 1 : buffer.length;
    const start = end === 0 ? 0 : buffer.lastIndexOf(LF, end - 1) + 1;
    return lastRecordIn(buffer.subarray(start, end));
  } finally {
    await handle.close();
  }
}

/** A line's record; of lines that a broken line feed has glued together, the last one's. */
function lastRecordIn(line: Buffer): RawRecord | null {
  const whole = decodeLine(line);
  if (whole.ok) return whole.record;
  let last: RawRecord | null = null;
  for (const { to, record } of salvage(line)) last = to === line.length ? record : null;
  return last;
}

export function checkpointMismatch(scan: string, writer: string, position: SegmentPosition): JournalError {
  const { epoch, segment, seq } = position;
  return new JournalError(
    'checkpoint-mismatch',
    `the journal of ${scan}/${writer} has no record ${seq} at the end of what was read (epoch ${epoch}, segment ${segment})`,
    { hint: 'The journal is another one, or was damaged. `nas-scanner replay` builds the catalog anew.' },
  );
}

/**
 * How a segment begins: its `segment.opened`. `unfinished`: its first line is still being written;
 * `unreadable`: that line is something else.
 */
export async function openingOf(
  path: string,
): Promise<EventData<'segment.opened'> | 'unfinished' | 'unreadable'> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(RECORD_BYTES_MAX);
    const bytesRead = await readAround(handle, buffer, 0, buffer.length, 0);
    const lf = buffer.subarray(0, bytesRead).indexOf(LF);
    if (lf < 0) return bytesRead < buffer.length ? 'unfinished' : 'unreadable';
    const decoded = decodeLine(buffer.subarray(0, lf));
    if (!decoded.ok || decoded.record.type !== 'segment.opened') return 'unreadable';
    return openingIn(decoded.record) ?? 'unreadable';
  } finally {
    await handle.close();
  }
}

/** The record that a position is behind; null where it is not there, or its file is not. */
export async function recordAt(path: string, position: SegmentPosition): Promise<RawRecord | null> {
  try {
    const record = await recordEndingAt(path, position.bytes);
    return record?.seq === position.seq && record.crc === position.crc ? record : null;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Whether a seal's SHA-256 is that of the bytes before it. */
export async function sealMatches(handle: FileHandle, seal: RawRecord): Promise<boolean> {
  const sums = sealOf(seal);
  if (sums === null) return false;
  const { bytes, sha256 } = sums;
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(bytes, BLOCK_BYTES));
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
    if (bytesRead === 0) return false;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex') === sha256;
}
