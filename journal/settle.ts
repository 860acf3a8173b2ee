import { open } from 'node:fs/promises';
import { recordEndingAt } from './checkpoint.js';
import { JournalError } from './errors.js';
import { recoverFiles } from './recovery.js';
import { listSegments, segmentPath, type SegmentPosition } from './segments.js';

/** Where a writer that is dead left off, for who comes after it. */
export interface WriterEnd {
  /** Its last record without a hole before it, in its newest epoch that has one; null: it has none. On disk. */
  last: SegmentPosition | null;
  /** First epoch that has no file. */
  nextEpoch: number;
}

/**
 * Finds where a dead writer's records end, and brings them to disk: what a killed process wrote may still
 * be in the system's memory only. Stops before the first hole of the newest epoch, so that who says
 * "up to there it counts" is also a witness that all of it was there.
 */
export async function endOfWriter(journalDir: string, scan: string, writer: string): Promise<WriterEnd> {
  const names = await listSegments(journalDir, scan, writer);
  const nextEpoch = (names.at(-1)?.epoch ?? 0) + 1;
  const { counted } = await recoverFiles(journalDir, scan, { writers: [writer], hash: false, threads: 0 });
  const epoch = counted.findLast(({ extents }) => extents[0] !== undefined)?.name.epoch;
  let last: SegmentPosition | null = null;
  let expected = 1;
  for (const { name, extents } of counted) {
    if (name.epoch !== epoch) continue;
    const path = segmentPath(journalDir, name);
    for (const { fromSeq, toSeq, toByte } of extents) {
      if (fromSeq !== expected) return { last, nextEpoch };
      const record = await recordEndingAt(path, toByte);
      if (record?.seq !== toSeq) throw new JournalError('io', `${path} changed while it was read`, { path });
      last = { epoch, segment: name.segment, seq: toSeq, crc: record.crc, bytes: toByte };
      expected = toSeq + 1;
    }
    await toDisk(path);
  }
  return { last, nextEpoch };
}

async function toDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
