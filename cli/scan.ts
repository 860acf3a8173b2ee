import { join } from 'node:path';
import { JournalError } from '../journal/errors.js';
import type { EventData } from '../journal/events/index.js';
import { ownerFromEnvironment, ownPath } from '../journal/owner.js';
import { ProjectionError } from '../projections/errors.js';
import { importFormerCatalog } from '../projections/import.js';
import { keepUnreadable, keptText } from '../projections/keep-aside.js';
import { plural, printable } from '../projections/text.js';
import type { MountLook } from '../src/health/mount.js';
import type { PreflightResult } from '../src/scan/scanner-options.js';
import { Scanner, type ScanEnd } from '../src/scan/scanner.js';
import { totalsOf } from '../src/scan/state.js';
import type { ScanOptions } from './command-options.js';
import { holdDataDir } from './data-dir-lock.js';
import { DATABASE_NAME_DEFAULT, dataPaths, resolveDataDir, type DataPaths } from './data-dir.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { ScanJson } from './json/scan.js';
import { CatalogKeeper } from './scan-catalog.js';
import { ScanDisplay } from './scan-view.js';
import { ScanLog } from './scan-log.js';
import { engineFor } from './preflight-checks.js';
import { createProcessEngine, scannerParts, type PreflightListener } from './scan-parts.js';
import { openScan, prepareDataDir, refuseOneDirectory, type OpenedScan } from './scan-setup.js';
import { renderSummary, type SummaryDetails } from './scan-summary.js';
import { exitCodeOfSignal, type StopSignals } from './signals.js';

/** What was begun before this module was loaded. */
export interface BegunEarly {
  signals: StopSignals;
  look: MountLook;
}

/** A scan that has said its last word, with all that is still open. */
interface EndedScan {
  end: ScanEnd;
  opened: OpenedScan;
  scanner: Scanner;
  catalog: CatalogKeeper;
  display: ScanDisplay;
  log: ScanLog;
}

interface ToTell {
  io: Io;
  paths: DataPaths;
  startedAtMs: number;
  failedChecks: PreflightResult[];
}

/** The `scan` command. */
export async function runScan(options: ScanOptions, io: Io, begun: BegunEarly): Promise<ExitCode> {
  try {
    return await scanAlone(options, io, begun);
  } finally {
    begun.look.end();
  }
}

async function scanAlone(options: ScanOptions, io: Io, begun: BegunEarly): Promise<ExitCode> {
  const paths = dataPaths(resolveDataDir(options.dataDir), options.dbName ?? DATABASE_NAME_DEFAULT);
  refuseOneDirectory(options.mountPath, paths.dataDir);
  await prepareDataDir(paths);
  const lock = holdDataDir(paths.dataDir, 'Wait for it (nas-scanner status), or use another --data-dir.');
  try {
    return await scanLocked(options, paths, { ...begun, io });
  } finally {
    begun.signals.release();
    lock.release();
  }
}

async function scanLocked(
  options: ScanOptions,
  paths: DataPaths,
  { io, signals, look }: BegunEarly & { io: Io },
): Promise<ExitCode> {
  const startedAtMs = Date.now();
  let note = (text: string): unknown => io.err(`${text}\n`);
  const say = (text: string): void => {
    if (!io.quiet) note(text);
  };
  const blocked = await takeOverFormer(paths, say);
  const engine = await engineFor(options, paths, createProcessEngine);
  const opened = await openScan(options, paths, engine, say);
  const display: ScanDisplay = new ScanDisplay(io, {
    mountPath: options.mountPath,
    state: () => opened.journal.state,
    attempts: () => scanner.attempts,
    partialTotals: () => scanner.partialTotals(),
    filesBefore: opened.before === null ? null : totalsOf(opened.before.state).files,
    awaited: () => catalog.awaited,
  });
  note = (text) => display.note(text);
  const log = new ScanLog(paths.dataDir, opened.startedAtMs, (text, level) => {
    if (display.live ? level === 'ERROR' : !io.quiet || level !== 'INFO') display.note(text);
  });
  const catalog: CatalogKeeper = new CatalogKeeper(paths, opened, blocked);
  opened.observers.push(log, catalog);
  await ownPath(log.path, opened.owner);
  await opened.begin();
  const failedChecks: PreflightResult[] = [];
  const listener = preflightListener(options, say, failedChecks);
  const scanner: Scanner = new Scanner(scannerParts(options, paths, { opened, look }, listener));
  signals.handOver(scanner);
  catalog.start();
  display.start();
  try {
    const end = await scanner.run();
    const ended = { end, opened, scanner, catalog, display, log };
    return await conclude(ended, { io, paths, startedAtMs, failedChecks });
  } catch (error) {
    await scanner.abort();
    throw scanner.interruptedBy === null ? error : stopped(error, scanner.interruptedBy);
  } finally {
    display.stop();
    // What still runs would keep this process from ending.
    await opened.engine.engine?.close();
    await catalog.close();
  }
}

function preflightListener(
  { mountPath, ioTimeoutMs }: ScanOptions,
  say: (text: string) => void,
  failedChecks: PreflightResult[],
): PreflightListener {
  return {
    failed: (check) => failedChecks.push(check),
    mountWaits: () => {
      say(`waiting for ${printable(mountPath)} to answer, at most ${ioTimeoutMs / 1000} s`);
    },
    dataDirInside: (path) => {
      say(`the data directory ${printable(path)} lies in the mount: it is left out`);
    },
  };
}

/** Closes all in order, and tells how it went. */
async function conclude(
  { end, opened, scanner, catalog, display, log }: EndedScan,
  { io, paths, startedAtMs, failedChecks }: ToTell,
): Promise<ExitCode> {
  await opened.engine.engine?.close();
  const diskFull = opened.journal.state.pausedBecause !== null;
  // A scan that was stopped gives the catalog its seconds; the signal that comes later does not.
  const stop = end === 'interrupted' ? undefined : scanner.interruption;
  const catalogBehind = await catalog.finish(end === 'completed' && !diskFull, stop);
  await opened.journal.close();
  await catalog.close();
  display.stop();
  log.close();
  const details = { interruptedBy: scanner.interruptedBy, failedChecks, catalogBehind, diskFull };
  const lastWord = opened.lastWord(scanner.partialTotals());
  const bytesOnDisk = catalog.bytesOnDisk(lastWord.bytes);
  const result = resultOf(opened, lastWord, { paths, log: log.path, startedAtMs, bytesOnDisk });
  io.json(result);
  if (!io.quiet || end !== 'completed' || result.outcome !== 'complete')
    io.out(renderSummary(result, details));
  return exitCodeOf(result, details);
}

/** The user has stopped a scan whose journal cannot be written any more, not even with that: it ends as asked. */
function stopped(error: unknown, signal: NodeJS.Signals): unknown {
  if (!(error instanceof JournalError)) return error;
  const { message, hint } = error;
  return new CommandError(`stopped by ${signal}; ${message}`, {
    exitCode: exitCodeOfSignal(signal),
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * Takes a catalog of the former system into the journal.
 * @returns why it cannot be read, and must stay as it is; else null
 */
async function takeOverFormer(paths: DataPaths, say: (text: string) => void): Promise<string | null> {
  try {
    const imported = await importFormerCatalog({ ...paths, owner: ownerFromEnvironment() });
    if (imported !== null) say(`took ${plural(imported.rows, 'row')} of the former catalog into the journal`);
    const kept = keepUnreadable(paths.catalog);
    if (kept !== null) say(`${printable(paths.catalog)} cannot be read; ${keptText(kept)}`);
    return null;
  } catch (error) {
    if (!(error instanceof ProjectionError) || error.code !== 'catalog-damaged') throw error;
    return error.hint === undefined ? error.message : `${error.message}. To do: ${error.hint}`;
  }
}

function resultOf(
  opened: OpenedScan,
  lastWord: EventData<'scan.completed'>,
  more: { paths: DataPaths; log: string; startedAtMs: number; bytesOnDisk: number | string | null },
): ScanJson {
  const { outcome, files, directories, bytes, problems, chunks } = lastWord;
  return {
    scan: opened.scan,
    outcome,
    files,
    directories,
    bytes,
    bytesOnDisk: more.bytesOnDisk,
    problems,
    chunks,
    seconds: (Date.now() - more.startedAtMs) / 1000,
    engine: opened.engine.kind,
    catalog: more.paths.catalog,
    journal: join(more.paths.journalDir, opened.scan),
    log: more.log,
  };
}

function exitCodeOf(result: ScanJson, details: SummaryDetails): ExitCode {
  if (details.interruptedBy !== null) return exitCodeOfSignal(details.interruptedBy);
  if (details.failedChecks.length > 0 || details.catalogBehind !== null) return EXIT.failed;
  if (result.outcome === 'incomplete') return EXIT.incomplete;
  return result.outcome === 'complete' ? EXIT.done : EXIT.problems;
}
