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
  const soundScans = new Set(reports.filter((report) => report.sound).map(({ scan }) => scan));
  const summaries = await listScanSummaries(dataDir);
  const complete = summaries.filter(({ scan, outcome }) => outcome === 'complete' && soundScans.has(scan));
  for (const { scan, sound } of reports) {
    const mount = summaries.find((summary) => summary.scan === scan)?.mountPath ?? null;
    if (sound || mount === null) continue;
    const later = complete.find((summary) => summary.scan > scan && summary.mountPath === mount);
    if (later !== undefined) good.set(scan, later.scan);
  }
  return good;
}
