import { open } from 'node:fs/promises';
import { ownerFromEnvironment } from '../journal/owner.js';
import { own } from '../journal/storage.js';
import {
  CLEAR,
  DiagnosisFold,
  masked,
  type CatalogView,
  type Diagnosis,
  type LiveContext,
  type Show,
} from '../projections/diagnosis/index.js';
import { loadScan, type LoadedScan } from '../projections/diagnosis/load.js';
import { isBookkeeping } from '../journal/event-versions.js';
import { viewCatalog, type CatalogQuestion } from '../projections/catalog-view.js';
import { TimelineFold } from '../projections/timeline.js';
import { WORKER_IMAGE } from '../projections/worker-image.js';
import type { DiagnoseOptions } from './command-options.js';
import { dataPaths, dataDirToRead, type DataPaths } from './data-dir.js';
import { diagnosisJson } from './diagnose-json.js';
import { renderDiagnosis } from './diagnose-text.js';
import type { DiagnosisReport } from './diagnosis-report.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import { bootNow, lookAround, whyUnwritable, type LiveFacts } from './live-facts.js';
import { pickScan } from './pick-scan.js';

/** Records that say how the catalog ended: they come when it has been closed. */
const AFTER_THE_CATALOG = new Set([
  'catalog.opened',
  'catalog.troubled',
  'catalog.recovered',
  'catalog.awaited',
]);

/** The `diagnose` command: 0 whenever a report could be made, whatever it says. */
export async function runDiagnose(options: DiagnoseOptions, io: Io): Promise<ExitCode> {
  const dataDir = dataDirToRead(options.dataDir);
  const report = await makeReport(options, dataPaths(dataDir, options.dbName));
  if (!io.wantsJson) io.out(renderDiagnosis(report, { columns: io.columns, colour: io.colour }));
  if (options.html !== undefined) await writePage(options.html, report, io);
  // Last: where the page fails, the error is the one object.
  io.json(diagnosisJson(report));
  return EXIT.done;
}

async function writePage(path: string, report: DiagnosisReport, io: Io): Promise<void> {
  const { renderPage } = await import('./page/page.js');
  try {
    await writeOwned(path, renderPage(report));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`cannot write the page: ${reason}`, {
      cause,
      hint: 'Give --html a file in a folder you may write to.',
    });
  }
  if (!io.quiet) io.err(`The page is in ${path}: open it in any browser, no network needed.\n`);
}

/** Writes a file that gets the owner and mode asked for; a device or a pipe keeps its own. */
async function writeOwned(path: string, content: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    if ((await file.stat()).isFile()) await own(file, ownerFromEnvironment());
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

/** Reads the scan, looks around where that is wanted, and puts both together. */
async function makeReport(
  options: Pick<DiagnoseOptions, 'scan' | 'offline' | 'redact' | 'dataDir'>,
  paths: DataPaths,
): Promise<DiagnosisReport> {
  const { scan, locked, isLatest } = await pickScan(paths, options.scan);
  const show = options.redact ? masked() : CLEAR;
  const where = { dataDir: paths.dataDir, isUsual: options.dataDir === undefined };
  if (scan === null) return noScan(show, where);
  const timeline = new TimelineFold();
  const last = new Map<string, { epoch: number; seq: number; crc: string }>();
  const loaded = await loadScan(
    paths.journalDir,
    { scan, ...where, show },
    {
      record: ({ record: { type, at, writer, epoch, seq, crc } }, event) => {
        if (!AFTER_THE_CATALOG.has(type) && !isBookkeeping(type)) last.set(writer, { epoch, seq, crc });
        if (event !== null) timeline.push(event, { at });
      },
      batches: ({ batches, files }, { name: { writer, epoch } }) => {
        if (batches === null) return;
        timeline.pushFiles(files, batches.firstAt, batches.lastAt);
        const before = last.get(writer);
        const newer = before?.epoch !== epoch || before.seq < batches.last.seq;
        if (newer) last.set(writer, { epoch, ...batches.last });
      },
    },
  );
  const boot = options.offline ? null : bootNow();
  const finish = (seen: Pick<LiveContext, 'catalog' | 'unwritable'>): Diagnosis =>
    loaded.fold.finish(loaded.report, { locked, boot, ...seen });
  const alone = finish({ catalog: null, unwritable: null });
  // Whoever died without a word may have been unable to write one.
  const triesToWrite = !options.offline && alone.verdict === 'killed';
  const unwritable = triesToWrite ? await whyUnwritable(paths.dataDir) : null;
  const catalog = options.offline
    ? null
    : viewCatalog(paths.catalog, { scan, last, rows: rowsOf(alone, isLatest) });
  return {
    diagnosis: catalog === null ? alone : finish({ catalog, unwritable }),
    timeline: timeline.finish(),
    live: options.offline ? null : await look(paths, scan, loaded, catalog),
    show,
    problems: [...loaded.fold.ledger.problems.directories()],
    chunks: [...loaded.fold.facts.chunks.values()],
    tops: loaded.fold.ledger.byTop(),
  };
}

/** What the scan must have left in the catalog: known only when it is whole and no later one came. */
function rowsOf(diagnosis: Diagnosis, isLatest: boolean): CatalogQuestion['rows'] {
  const { startedAt, endedAt, totals, verdict } = diagnosis;
  if (!isLatest || startedAt === null || endedAt === null) return null;
  if (verdict !== 'complete' && verdict !== 'complete-with-problems') return null;
  // A directory that was begun and not ended has rows that count nowhere.
  if (totals.unlisted > 0) return null;
  return { files: totals.files, fromMs: Date.parse(startedAt), toMs: Date.parse(endedAt) };
}

function look(
  paths: DataPaths,
  scan: string,
  loaded: LoadedScan,
  catalog: CatalogView | null,
): Promise<LiveFacts> {
  const { started } = loaded.fold.facts;
  const image = started?.options['image'];
  const about = {
    scan,
    mountPath: started?.mountPath ?? null,
    engine: started?.engine ?? '',
    image: typeof image === 'string' ? image : WORKER_IMAGE,
  };
  return lookAround(paths, about, catalog);
}

function noScan(show: Show, where: { dataDir: string; isUsual: boolean }): DiagnosisReport {
  const fold = new DiagnosisFold({ scan: null, ...where, show });
  const diagnosis = fold.finish({ sound: true, records: 0, segments: [] });
  return {
    diagnosis,
    timeline: new TimelineFold().finish(),
    live: null,
    show,
    problems: [],
    chunks: [],
    tops: [],
  };
}
