import { stat } from 'node:fs/promises';
import type { JournalEvent, WriterPosition } from '../journal/events/index.js';
import {
  COORDINATOR,
  listSegments,
  listWriters,
  segmentPath,
  type SegmentName,
} from '../journal/segments.js';
import { errnoName } from '../journal/storage.js';

/**
 * The files of a scan that its coordinator has vouched for, and whether they are still there. Cheap: sizes are looked at,
 * no content; that the bytes are right only `verify` knows.
 */
export class VouchedFiles {
  /** By writer and epoch: how far the coordinator has seen it. */
  readonly #seen = new Map<string, WriterPosition>();

  /** Takes the coordinator's events; all others say nothing here. */
  push(event: JournalEvent): void {
    if (event.type !== 'writer.progressed' && event.type !== 'writer.settled') return;
    const { writer, epoch, segment, bytes } = event.data;
    const key = `${writer}/${epoch}`;
    const last = this.#seen.get(key);
    const isFurther =
      last === undefined || segment > last.segment || (segment === last.segment && bytes > last.bytes);
    if (isFurther) this.#seen.set(key, event.data);
  }

  /** How many files are missing, or shorter than the coordinator has seen them; its own count too. */
  async missing(journalDir: string, scan: string): Promise<number> {
    let missing = await missingOfCoordinator(journalDir, scan);
    for (const { writer, epoch, segment: last, bytes } of this.#seen.values()) {
      for (let segment = 1; segment <= last; segment += 1) {
        const size = await sizeOf(journalDir, { scan, writer, epoch, segment });
        if (size === null || (segment === last && size < bytes)) missing += 1;
      }
    }
    return missing;
  }
}

/** It writes before any worker does, and its segments are numbered without a gap. */
async function missingOfCoordinator(journalDir: string, scan: string): Promise<number> {
  const there = await listSegments(journalDir, scan, COORDINATOR);
  if (there.length === 0) return (await hasOthers(journalDir, scan)) ? 1 : 0;
  const lastOf = new Map(there.map(({ epoch, segment }) => [epoch, segment]));
  return [...lastOf.values()].reduce((sum, last) => sum + last, 0) - there.length;
}

async function hasOthers(journalDir: string, scan: string): Promise<boolean> {
  for (const writer of await listWriters(journalDir, scan)) {
    if ((await listSegments(journalDir, scan, writer)).length > 0) return true;
  }
  return false;
}

async function sizeOf(journalDir: string, name: SegmentName): Promise<number | null> {
  try {
    return (await stat(segmentPath(journalDir, name))).size;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoName(error))) return null;
    throw error;
  }
}
