import { decodeEvent } from '../journal/decode-event.js';
import { readWriter } from '../journal/read-writer.js';
import type { ScanReport } from '../journal/recovery.js';
import { journalDirOf, COORDINATOR } from '../journal/segments.js';
import { listScanSummaries } from '../projections/scan-list.js';

/**
 * Scans that are not sound and whose mount a later sound scan has read completely: nothing of them is missing any more.
 * @param reports of all scans that are looked at, oldest first
 * @returns by scan, the first later one that made it good
 */
export async function madeGood(
  dataDir: string,
  reports: readonly ScanReport[],
): Promise<ReadonlyMap<string, string>> {
  const good = new Map<string, string>();
  if (reports.every((report) => report.sound)) return good;
  const isSound = new Map(reports.map(({ scan, sound }) => [scan, sound]));
  const summaries = await listScanSummaries(dataDir);
  const complete = summaries.filter(
    ({ scan, outcome }) => outcome === 'complete' && isSound.get(scan) === true,
  );
  for (const { scan, mountPath } of summaries) {
    if (isSound.get(scan) !== false || mountPath === null) continue;
    const later = complete.filter((other) => other.scan > scan && other.mountPath === mountPath);
    const bounds = await boundsOf(dataDir, scan);
    for (const other of later) {
      if (bounds === null || !coversAll(await boundsOf(dataDir, other.scan), bounds)) continue;
      good.set(scan, other.scan);
      break;
    }
  }
  return good;
}

/** What a scan was told to leave out. */
interface Bounds {
  exclude: readonly unknown[];
  oneFileSystem: boolean;
}

/** Null where the journal has lost it: then nobody knows how much that scan was to read. */
async function boundsOf(dataDir: string, scan: string): Promise<Bounds | null> {
  const journalDir = journalDirOf(dataDir);
  for await (const batch of readWriter({ journalDir, scan, writer: COORDINATOR })) {
    for (const { record } of batch) {
      const event = record.type === 'scan.started' ? decodeEvent(record) : null;
      if (event?.type !== 'scan.started') continue;
      const { exclude, oneFileSystem } = event.data.options;
      return { exclude: Array.isArray(exclude) ? exclude : [], oneFileSystem: oneFileSystem === true };
    }
  }
  return null;
}

/** Whether the later scan left nothing out that the earlier one had to read. */
function coversAll(later: Bounds | null, earlier: Bounds): boolean {
  if (later === null || (later.oneFileSystem && !earlier.oneFileSystem)) return false;
  return later.exclude.every((glob) => earlier.exclude.includes(glob));
}
