import { decodeTime, ulid } from 'ulid';
import { listScans } from './segments.js';

/** An id of its own, for whatever is no scan. */
export function newId(): string {
  return ulid();
}

/**
 * A new scan's id: later than every scan in the journal, also where the clock was set back, because
 * scans are applied to the catalog in the order of their ids.
 */
export async function newScanId(journalDir: string, nowMs = Date.now()): Promise<string> {
  const last = (await listScans(journalDir)).at(-1);
  return ulid(last === undefined ? nowMs : Math.max(nowMs, timeOfId(last) + 1));
}

/** When an id was made, in Unix milliseconds. */
export function timeOfId(id: string): number {
  return decodeTime(id);
}
