import { stat } from 'node:fs/promises';
import { listSegments, listWriters, segmentPath, type SegmentPosition } from '../journal/segments.js';

/**
 * Bytes of a scan's segments that lie behind where each writer was read to.
 * @param positionOf null: nothing of that writer was read
 */
export async function bytesBehind(
  journalDir: string,
  scan: string,
  positionOf: (writer: string) => SegmentPosition | null,
): Promise<number> {
  let bytes = 0;
  for (const writer of await listWriters(journalDir, scan)) {
    for (const name of await listSegments(journalDir, scan, writer)) {
      const at = positionOf(writer);
      const order = at === null ? 1 : name.epoch - at.epoch || name.segment - at.segment;
      if (order < 0) continue;
      const { size } = await stat(segmentPath(journalDir, name));
      bytes += order === 0 && at !== null ? Math.max(0, size - at.bytes) : size;
    }
  }
  return bytes;
}

/** Bytes from one position of a writer to a later one; of segments that lie wholly between them, none. */
export function bytesBetween(from: SegmentPosition | null, to: SegmentPosition | null): number {
  if (to === null) return 0;
  const isSame = from?.epoch === to.epoch && from.segment === to.segment;
  return isSame ? to.bytes - from.bytes : to.bytes;
}
