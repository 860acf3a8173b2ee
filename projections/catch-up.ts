import { stat } from 'node:fs/promises';
import { JournalError } from '../journal/errors.js';
import { checkpointMismatch, recordAt } from '../journal/checkpoint.js';
import { ScanReader } from '../journal/reader.js';
import {
  journalDirOf,
  listScans,
  listSegments,
  listWriters,
  segmentPath,
  type SegmentPosition,
} from '../journal/segments.js';
import type { Catalog } from './catalog.js';
import type { Db } from './database.js';
import { ProjectionError } from './errors.js';

/** Whoever waits for work on the catalog. */
export interface Watcher {
  /**
   * Work was done: a file was read, records were applied.
   * @param kept they are committed
   * @param longStep what comes now may take minutes, and tells nothing meanwhile (left out: it does not)
   */
  onProgress(kept: boolean, longStep?: boolean): void;
  /** Its abort ends the work at the next place where what is done can be committed. */
  stop: AbortSignal;
}

/**
 * Brings a catalog that was left behind up to the end of every scan but the one that is about to be followed.
 * @throws ProjectionError `catalog-stale` where only a rebuild can: its checkpoints are not in the journal, or it holds
 * a later scan already than one that has more to give; `stopped`; JournalError `newer-version`
 */
export async function catchUp(
  database: Db,
  catalog: Catalog,
  options: { dataDir: string; scan: string; watcher: Watcher },
): Promise<void> {
  const journalDir = journalDirOf(options.dataDir);
  const applied = catalog.checkpoints.scans();
  const present = await listScans(journalDir);
  const orphan = applied.find((scan) => !present.includes(scan));
  if (orphan !== undefined) throw stale(`it holds scan ${orphan}, which the journal does not`);
  for (const scan of present.filter((each) => each !== options.scan)) {
    goOn(options.watcher, false);
    const after = catalog.checkpoints.of(scan);
    if (await isWhole(journalDir, scan, after)) continue;
    // Only once there is a record: a scan that was killed in its first moment leaves empty files, or its folder alone.
    const refusal = refusalOf(scan, applied, options.scan);
    await applyRest(database, catalog, { journalDir, scan, after, refusal, watcher: options.watcher });
  }
}

/** Why records of a scan may not be applied to the catalog as it is; null where they may. */
function refusalOf(scan: string, applied: readonly string[], followed: string): string | null {
  if (applied.length === 0) return 'it is empty, and the journal is not';
  // Older rows must not come over newer ones.
  const isLast = !applied.some((other) => other > scan && other !== followed);
  return isLast ? null : `scan ${scan} has more to give, and a later one is in it already`;
}

/**
 * Makes sure that the catalog can go on with the scan it is about to follow: of each writer, the record that it ends at.
 * @throws ProjectionError `catalog-stale`
 */
export async function checkFollowed(
  journalDir: string,
  scan: string,
  after: ReadonlyMap<string, SegmentPosition>,
): Promise<void> {
  for (const [writer, position] of after) {
    const { epoch, segment } = position;
    const path = segmentPath(journalDir, { scan, writer, epoch, segment });
    if ((await recordAt(path, position)) === null)
      throw stale(checkpointMismatch(scan, writer, position).message);
  }
}

function stale(why: string, cause?: unknown): ProjectionError {
  return new ProjectionError('catalog-stale', `the catalog must be built anew: ${why}`, { cause });
}

/** Whether the last record of every writer is the one the catalog ends at. Looks at the ends of files only. */
async function isWhole(
  journalDir: string,
  scan: string,
  after: ReadonlyMap<string, SegmentPosition>,
): Promise<boolean> {
  const writers = await listWriters(journalDir, scan);
  if (writers.length !== after.size) return false;
  for (const writer of writers) {
    const position = after.get(writer);
    const last = (await listSegments(journalDir, scan, writer)).at(-1);
    if (position === undefined || last?.epoch !== position.epoch || last.segment !== position.segment)
      return false;
    const path = segmentPath(journalDir, last);
    if ((await stat(path)).size !== position.bytes) return false;
    if ((await recordAt(path, position)) === null) return false;
  }
  return true;
}

interface Rest {
  journalDir: string;
  scan: string;
  after: ReadonlyMap<string, SegmentPosition>;
  /** Why not one record of it may be applied here; null where all may. */
  refusal: string | null;
  watcher: Watcher;
}

async function applyRest(
  database: Db,
  catalog: Catalog,
  { journalDir, scan, after, refusal, watcher }: Rest,
): Promise<void> {
  const onSurveyed = (): void => {
    goOn(watcher, false);
  };
  const reader = new ScanReader({ journalDir, scan, after, hash: false, onSurveyed });
  try {
    for await (const batch of reader.batches()) {
      if (refusal !== null) throw stale(refusal);
      inTransaction(database, catalog, () => {
        for (const record of batch) catalog.apply(record);
      });
      goOn(watcher, true);
    }
  } catch (error) {
    if (error instanceof JournalError && error.code === 'checkpoint-mismatch')
      throw stale(error.message, error);
    throw error;
  }
  watcher.onProgress(false, true);
  inTransaction(database, catalog, () => {
    catalog.settle(scan);
  });
}

/** @throws ProjectionError `stopped` */
function goOn(watcher: Watcher, kept: boolean): void {
  if (watcher.stop.aborted) throw new ProjectionError('stopped', 'the catalog was let go of');
  watcher.onProgress(kept);
}

/** Rows and checkpoints commit together, or not at all. */
export function inTransaction(database: Db, catalog: Catalog, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    catalog.flush();
    database.exec('COMMIT');
  } catch (error) {
    rollBack(database, catalog);
    throw error;
  }
}

export function rollBack(database: Db, catalog: Catalog): void {
  catalog.reset();
  if (database.open && database.inTransaction) database.exec('ROLLBACK');
}
