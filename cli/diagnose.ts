import { writeFile } from 'node:fs/promises';
import { decodeEvent } from '../journal/decode-event.js';
import { CLEAR, DiagnosisFold, masked, type CatalogView, type Show } from '../projections/diagnosis/index.js';
import { loadScan, type LoadedScan } from '../projections/diagnosis/load.js';
import { TimelineFold } from '../projections/timeline.js';
import { viewCatalog } from './catalog-view.js';
import type { DiagnoseOptions } from './command-options.js';
import { dataPaths, resolveDataDir, type DataPaths } from './data-dir.js';
import { diagnosisJson } from './diagnose-json.js';
import { renderDiagnosis } from './diagnose-text.js';
import type { DiagnosisReport } from './diagnosis-report.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import { bootNow, lookAround, type LiveFacts } from './live-facts.js';
import { pickScan } from './pick-scan.js';

/** The `diagnose` command: 0 whenever a report could be made, whatever it says. */
export async function runDiagnose(options: DiagnoseOptions, io: Io): Promise<ExitCode> {
  const dataDir = resolveDataDir(options.dataDir);
  const report = await makeReport(options, dataPaths(dataDir, options.dbName));
  io.json(diagnosisJson(report));
  if (!io.wantsJson) io.out(renderDiagnosis(report, { columns: io.columns, colour: io.colour }));
  if (options.html !== undefined) await writePage(options.html, report, io);
  return EXIT.done;
}

async function writePage(path: string, report: DiagnosisReport, io: Io): Promise<void> {
  const { renderPage } = await import('./diagnose-html.js');
  try {
    await writeFile(path, renderPage(report));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`cannot write the page: ${reason}`, {
      cause,
      hint: 'Give --html a file in a folder you may write to.',
    });
  }
  if (!io.quiet) io.err(`The page is in ${path}: open it in any browser, no network needed.\n`);
}

/** Reads the scan, looks around where that is wanted, and puts both together. */
export async function makeReport(
  options: Pick<DiagnoseOptions, 'scan' | 'offline' | 'redact' | 'dataDir'>,
  paths: DataPaths,
): Promise<DiagnosisReport> {
  const { scan, locked } = await pickScan(paths, options.scan);
  const show = options.redact ? masked() : CLEAR;
  const usual = options.dataDir === undefined ? null : paths.dataDir;
  if (scan === null) return noScan(show, usual);
  const timeline = new TimelineFold();
  const loaded = await loadScan(paths.journalDir, { scan, dataDir: usual, show }, ({ record }) => {
    const event = decodeEvent(record);
    if (event !== null) timeline.push(event, record);
  });
  const catalog = options.offline ? null : viewCatalog(paths.catalog, scan, loaded.report);
  const live = options.offline ? null : await look(paths, scan, loaded, catalog);
  const context = { locked, boot: options.offline ? null : bootNow(), catalog };
  return {
    diagnosis: loaded.fold.finish(loaded.report, context),
    timeline: timeline.finish(),
    live,
    show,
    problems: [...loaded.fold.ledger.problems.directories()],
    chunks: [...loaded.fold.facts.chunks.values()],
  };
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
    image: typeof image === 'string' ? image : 'nas-scanner-hp:latest',
  };
  return lookAround(paths, about, catalog);
}

function noScan(show: Show, dataDir: string | null): DiagnosisReport {
  const fold = new DiagnosisFold({ scan: null, dataDir, show });
  const diagnosis = fold.finish({ sound: true, records: 0, segments: [] });
  return { diagnosis, timeline: new TimelineFold().finish(), live: null, show, problems: [], chunks: [] };
}
