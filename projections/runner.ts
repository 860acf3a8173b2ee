import { dirname, join, resolve } from 'node:path';
import { ownerFromEnvironment } from '../journal/owner.js';
import { ScanReader, type ReadRecord } from '../journal/reader.js';
import type { ScanReport } from '../journal/recovery.js';
import { listScans } from '../journal/segments.js';
import { makeFolder, messageOf } from '../journal/storage.js';
import { Catalog } from './catalog.js';
import { databaseError, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { openForBuilding, refuseForeign } from './open-catalog.js';
import { scanBytes } from './scan-list.js';
import { writeProjectionValue } from './schema.js';
import { buildingPath, removeDatabase, swapInto } from './swap.js';

export interface ReplayOptions {
  dataDir: string;
  databaseName: string;
  /** Only these scans; all when left out. */
  scans?: readonly string[];
  /** All but this one: the caller follows it into the catalog afterwards. */
  exceptScan?: string;
  /** The catalog as it was after that scan, or at that time. */
  until?: { scan?: string; timeMs?: number };
  /** Build it there; left out: in place of the catalog, whose directory the caller has locked. */
  to?: string;
  onProgress?(progress: ReplayProgress): void;
  signal?: AbortSignal;
}

export interface ReplayProgress {
  scan: string;
  records: number;
  rows: number;
  bytes: number;
  bytesTotal: number;
}

export interface ReplayResult {
  scans: number;
  records: number;
  /** Rows of `files`. */
  files: number;
  /** Records of types this program does not know. */
  skipped: number;
  seconds: number;
  /** Where the catalog is, absolute. */
  catalog: string;
  sound: boolean;
  reports: ScanReport[];
}

/**
 * Builds a catalog from the journal, from its start, into a new file that takes the target's place at the end.
 * A place that is torn, damaged or lost costs what it held and is told in `reports`.
 * @throws ProjectionError; JournalError `newer-version`
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const started = performance.now();
  const target = resolve(options.to ?? join(options.dataDir, options.databaseName));
  refuseForeign(target, options.to === undefined);
  const scans = await chosenScans(options);
  const built = buildingPath(target);
  await makePlace(target, built);
  const database = openForBuilding(built);
  try {
    const build = new Build(database, options, scans.bytes);
    for (const scan of scans.names) await build.scan(scan);
    const result = build.finish(scans.all);
    database.close();
    swapInto(built, target);
    return { ...result, scans: scans.names.length, seconds: secondsSince(started), catalog: target };
  } catch (error) {
    database.close();
    removeDatabase(built);
    throw databaseError(error, target);
  }
}

/** The folder for the catalog, without what an earlier replay left in it. */
async function makePlace(target: string, built: string): Promise<void> {
  try {
    await makeFolder(dirname(target), ownerFromEnvironment());
    removeDatabase(built);
  } catch (cause) {
    throw new ProjectionError('catalog-unwritable', `${target} cannot be made: ${messageOf(cause)}`, {
      cause,
      path: target,
      hint: 'give the name of a file in a folder you may write to',
    });
  }
}

function secondsSince(started: number): number {
  return Math.round(performance.now() - started) / 1000;
}

interface ChosenScans {
  names: string[];
  /** Whether that is the whole journal. */
  all: boolean;
  bytes: number;
}

async function chosenScans({ dataDir, scans, exceptScan, until }: ReplayOptions): Promise<ChosenScans> {
  const journalDir = join(dataDir, 'journal');
  const present = (await listScans(journalDir)).filter((scan) => scan !== exceptScan);
  for (const wanted of [...(scans ?? []), ...(until?.scan === undefined ? [] : [until.scan])]) {
    if (present.includes(wanted)) continue;
    throw new ProjectionError('not-found', `the journal has no scan ${wanted}`, {
      hint: 'nas-scanner scans lists them',
    });
  }
  const last = until?.scan;
  const names = present.filter(
    (scan) => (scans?.includes(scan) ?? true) && (last === undefined || scan <= last),
  );
  let bytes = 0;
  for (const scan of names) bytes += await scanBytes(journalDir, scan);
  return { names, all: names.length === present.length && until?.timeMs === undefined, bytes };
}

/** One replay in the making. */
class Build {
  readonly #database: Db;
  readonly #catalog: Catalog;
  readonly #options: ReplayOptions;
  readonly #bytesTotal: number;
  readonly #until: number;
  readonly #reports: ScanReport[] = [];
  #bytes = 0;

  constructor(database: Db, options: ReplayOptions, bytesTotal: number) {
    this.#database = database;
    this.#catalog = new Catalog(database);
    this.#options = options;
    this.#bytesTotal = bytesTotal;
    this.#until = options.until?.timeMs ?? Infinity;
  }

  async scan(scan: string): Promise<void> {
    // Every record's own checksum is verified; a seal's hash over them all is for verify.
    const reader = new ScanReader({ journalDir: join(this.#options.dataDir, 'journal'), scan, hash: false });
    for await (const batch of reader.batches()) {
      if (this.#options.signal?.aborted === true)
        throw new ProjectionError('stopped', 'the replay was stopped');
      this.#apply(batch);
      this.#progress(scan);
    }
    this.#catalog.settle(scan);
    this.#reports.push(reader.report());
  }

  #apply(batch: readonly ReadRecord[]): void {
    for (const each of batch) {
      this.#bytes += each.record.dataBytes.length;
      if (this.#until === Infinity || Date.parse(each.record.at) <= this.#until) this.#catalog.apply(each);
    }
  }

  #progress(scan: string): void {
    const { records, rows } = this.#catalog.applied;
    this.#options.onProgress?.({ scan, records, rows, bytes: this.#bytes, bytesTotal: this.#bytesTotal });
  }

  finish(whole: boolean): Pick<ReplayResult, 'records' | 'files' | 'skipped' | 'sound' | 'reports'> {
    this.#catalog.flush();
    if (!whole) writeProjectionValue(this.#database, 'part', 'yes');
    const files = this.#database.prepare<[], number>('SELECT count(*) FROM files').pluck().get() ?? 0;
    this.#database.exec('COMMIT');
    this.#database.pragma('journal_mode = DELETE');
    const unknown = this.#reports.flatMap((report) => Object.values(report.unknownTypes));
    return {
      records: this.#catalog.applied.records,
      files,
      skipped: unknown.reduce((sum, count) => sum + count, 0),
      sound: this.#reports.every((report) => report.sound),
      reports: this.#reports,
    };
  }
}
