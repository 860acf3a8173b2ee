import { open } from 'node:fs/promises';
import { readAround } from '../journal/read-around.js';
import { COORDINATOR, listScans, listSegments, listWriters, segmentPath } from '../journal/segments.js';
import { isDataDirLocked } from '../projections/lock.js';
import type { DataPaths } from './data-dir.js';
import { checkKnown } from './scan-id.js';

/** Newest scans among which the one that was active last is looked for: an older one may have been resumed. */
const LOOKED_AT_MAX = 50;
/** The last record of a coordinator is shorter than this, mostly. */
const TAIL_BYTES = 16 * 1024;

export interface PickedScan {
  /** null: there is none at all. */
  scan: string | null;
  /** Whether a living process is at work on it. */
  locked: boolean;
  /** Whether it was active last. */
  isLatest: boolean;
}

/**
 * The scan that was asked for, else the one that was active last.
 * @throws CommandError with exit code 2 for one that the journal does not have
 */
export async function pickScan(paths: DataPaths, wanted: string | undefined): Promise<PickedScan> {
  const scans = await listScans(paths.journalDir);
  checkKnown(scans, wanted, paths.dataDir);
  if (scans.length === 0) return { scan: null, locked: false, isLatest: false };
  const locked = isDataDirLocked(paths.dataDir);
  if (scans.length === 1) return { scan: scans[0] ?? null, locked, isLatest: true };
  let latest = { scan: '', at: '' };
  for (const scan of scans.slice(-LOOKED_AT_MAX)) {
    const at = await lastWordAt(paths.journalDir, scan);
    if (at >= latest.at) latest = { scan, at };
  }
  const scan = wanted ?? latest.scan;
  const isLatest = scan === latest.scan;
  return { scan, locked: locked && isLatest, isLatest };
}

/** When its coordinator last wrote; `''` where that cannot be told. */
async function lastWordAt(journalDir: string, scan: string): Promise<string> {
  const writers = await listWriters(journalDir, scan);
  const writer = writers.includes(COORDINATOR) ? COORDINATOR : writers[0];
  if (writer === undefined) return '';
  for (const name of (await listSegments(journalDir, scan, writer)).reverse()) {
    const times = (await tailOf(segmentPath(journalDir, name))).match(/"at":"\d{4}-[^"]{19}Z"/g);
    const last = times?.at(-1);
    if (last !== undefined) return last;
  }
  return '';
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const buffer = Buffer.alloc(TAIL_BYTES);
    return buffer.toString('latin1', 0, await readAround(file, buffer, 0, TAIL_BYTES, from));
  } finally {
    await file.close();
  }
}
