import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordEndingAt } from '../journal/checkpoint.js';
import { isBookkeeping } from '../journal/event-versions.js';
import { decodeLine } from '../journal/record.js';
import type { ScanReport, SegmentReport } from '../journal/recovery.js';
import { COORDINATOR } from '../journal/segments.js';
import type { CatalogQuestion } from '../projections/catalog-view.js';
import type { DataPaths } from './data-dir.js';
import { ifKnown } from './if-known.js';
import type { VerifyJson } from './json/verify.js';

/** Whether the catalog holds what the journal gives. */
export type CatalogAgreement = NonNullable<VerifyJson['catalog']>;

/** A quick look: whether the catalog has taken in the last record of each writer of the newest scan. */
export async function lookAtCatalog(paths: DataPaths, report: ScanReport): Promise<CatalogAgreement | null> {
  const last: CatalogQuestion['last'] = await lastSealed(paths.journalDir, report);
  if (last.size === 0) return null;
  const { viewCatalog } = await import('../projections/catalog-view.js');
  return viewCatalog(paths.catalog, { scan: report.scan, last, rows: null });
}

/** The whole truth: all rows against those that a replay gives. Takes as long as a replay. */
export async function compareCatalog(dataDir: string, databaseName: string): Promise<CatalogAgreement> {
  const { catalogAgrees } = await import('../projections/agree.js');
  const { agrees, detail } = await catalogAgrees({ dataDir, databaseName });
  return { state: agrees === null ? 'unknown' : agrees ? 'agrees' : 'mismatch', detail };
}

/** Of each writer that ended well the seal of its newest segment: what counts of it, and nothing lies behind. */
async function lastSealed(
  journalDir: string,
  report: ScanReport,
): Promise<Map<string, { epoch: number; seq: number; crc: string }>> {
  const newest = new Map<string, SegmentReport>();
  for (const segment of report.segments) newest.set(segment.writer, segment);
  const last = new Map<string, { epoch: number; seq: number; crc: string }>();
  for (const { writer, state, file, goodBytes } of newest.values()) {
    if (state !== 'sealed') continue;
    if (writer === COORDINATOR && (await isRepair(join(journalDir, file), goodBytes))) continue;
    const record = await ifKnown(() => recordEndingAt(join(journalDir, file), goodBytes));
    if (record !== null) last.set(writer, { epoch: record.epoch, seq: record.seq, crc: record.crc });
  }
  return last;
}

/** A repair writes no more than a few records; a coordinator's own file that small is read in no time. */
const REPAIR_BYTES_MAX = 256 * 1024;

/** Whether a sealed file holds nothing but the words of a repair, which no catalog has to take in. */
async function isRepair(path: string, bytes: number): Promise<boolean> {
  if (bytes > REPAIR_BYTES_MAX) return false;
  const content = await ifKnown(() => readFile(path));
  if (content === null) return false;
  for (let from = 0; from < bytes;) {
    const lf = content.indexOf(0x0a, from);
    const end = lf < 0 ? bytes : lf;
    const line = decodeLine(content.subarray(from, end));
    if (!line.ok || !isBookkeeping(line.record.type)) return false;
    from = end + 1;
  }
  return true;
}
