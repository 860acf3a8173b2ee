import { dirname, join, resolve } from 'node:path';
import { ownerFromEnvironment } from '../journal/owner.js';
import { recoverFiles, type ScanReport } from '../journal/recovery.js';
import { journalDirOf, listScans } from '../journal/segments.js';
import { makeFolder, messageOf } from '../journal/storage.js';
import { Catalog } from './catalog.js';
import { databaseError, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { openForBuilding, refuseForeign } from './open-catalog.js';
import { RecordFeed } from './record-feed.js';
import type { FedRecord } from './record-block.js';
import { scanBytes } from './scan-list.js';
import { withImage } from './staged-rows.js';
import { writeProjectionValue } from './schema.js';
import { buildingPath, removeDatabase, swapInto, syncDatabase } from './swap.js';

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
  /** Bytes of journal from which on a second thread reads them; left out: where that is worth it. */
  threadFromBytes?: number;
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
  const feed = new RecordFeed(
    journalDirOf(options.dataDir),
    built,
    scans.bytes >= (options.threadFromBytes ?? FEED_THREAD_WORTH_BYTES),
  );
  try {
    const build = new Build(database, feed, options, scans.bytes);
    for (const scan of scans.names) await build.scan(scan);
    const result = build.finish(scans.all);
    // Counting reads what the disk is still writing, and need not wait for it.
    const synced = syncDatabase(built);
    const counted = new Promise<number>((resolve) => {
      resolve(build.countFiles());
    });
    const [files] = await Promise.all([counted, synced, feed.close()]);
    database.close();
    await swapInto(built, target);
    return { ...result, files, scans: scans.names.length, seconds: secondsSince(started), catalog: target };
  } catch (error) {
    database.close();
    removeDatabase(built);
    throw databaseError(error, target);
  } finally {
    await feed.close();
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
  const journalDir = journalDirOf(dataDir);
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

/** Below this, starting a thread takes longer than reading. */
const FEED_THREAD_WORTH_BYTES = 8 * 1024 * 1024;
/** What one thread surveys in half a second. */
const SURVEY_THREAD_WORTH_BYTES = 256 * 1024 * 1024;

/** One replay in the making. */
class Build {
  readonly #database: Db;
  readonly #catalog: Catalog;
  readonly #options: ReplayOptions;
  readonly #journalDir: string;
  readonly #feed: RecordFeed;
  readonly #threads: number;
  readonly #bytesTotal: number;
  readonly #until: number;
  readonly #reports: ScanReport[] = [];
  #bytes = 0;

  constructor(database: Db, feed: RecordFeed, options: ReplayOptions, bytesTotal: number) {
    this.#database = database;
    this.#catalog = new Catalog(database);
    this.#options = options;
    this.#journalDir = journalDirOf(options.dataDir);
    this.#feed = feed;
    // While the feed's own thread comes up, one more would only be in its way.
    this.#threads = bytesTotal < SURVEY_THREAD_WORTH_BYTES ? 0 : 1;
    this.#bytesTotal = bytesTotal;
    this.#until = options.until?.timeMs ?? Infinity;
  }

  async scan(scan: string): Promise<void> {
    // Every record's own checksum is verified; a seal's hash over them all is for verify.
    const recovered = await recoverFiles(this.#journalDir, scan, {
      hash: false,
      threads: this.#threads,
      onSurveyed: () => {
        this.#progress(scan);
      },
    });
    for await (const { records, image } of this.#feed.read(recovered)) {
      if (image === null) this.#apply(records);
      else {
        withImage(this.#database, image, () => {
          this.#apply(records);
        });
      }
      this.#progress(scan);
    }
    this.#catalog.settle(scan);
    this.#reports.push(recovered.report);
  }

  #apply(batch: readonly FedRecord[]): void {
    for (const { read, event } of batch) {
      const { at, dataBytes } = read.record;
      this.#bytes += dataBytes.length;
      if (this.#until === Infinity || Date.parse(at) <= this.#until) this.#catalog.apply(read, event);
    }
  }

  /** @throws ProjectionError `stopped` */
  #progress(scan: string): void {
    if (this.#options.signal?.aborted === true)
      throw new ProjectionError('stopped', 'the replay was stopped');
    const { records, rows } = this.#catalog.applied;
    this.#options.onProgress?.({ scan, records, rows, bytes: this.#bytes, bytesTotal: this.#bytesTotal });
  }

  /** Commits what is there. */
  finish(whole: boolean): Pick<ReplayResult, 'records' | 'skipped' | 'sound' | 'reports'> {
    this.#catalog.flush();
    if (!whole) writeProjectionValue(this.#database, 'part', 'yes');
    this.#database.exec('COMMIT');
    this.#database.pragma('journal_mode = DELETE');
    const unknown = this.#reports.flatMap((report) => Object.values(report.unknownTypes));
    return {
      records: this.#catalog.applied.records,
      skipped: unknown.reduce((sum, count) => sum + count, 0),
      sound: this.#reports.every((report) => report.sound),
      reports: this.#reports,
    };
  }
  countFiles(): number {
    return this.#database.prepare<[], number>('SELECT count(*) FROM files').pluck().get() ?? 0;
  }
}
