import type { ScanReport } from '../journal/recovery.js';
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
    const later = complete.find((other) => other.scan > scan && other.mountPath === mountPath);
    if (later !== undefined) good.set(scan, later.scan);
  }
  return good;
}
