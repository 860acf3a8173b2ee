import { existsSync, realpathSync } from 'node:fs';
import { newId } from '../journal/ids.js';
import { databaseError, openDatabase } from '../projections/database.js';
import { ProjectionError } from '../projections/errors.js';
import { chooseEngine, type EngineChoice } from '../src/engine/choose.js';
import type { Engine } from '../src/engine/port.js';
import type { RecordEvent } from '../src/health/check-probe.js';
import { passed, warned, type Check } from '../src/health/check.js';
import type { MountProbe } from '../src/health/mount.js';
import { runPreflight } from '../src/health/preflight.js';
import type { ScanOptions } from './command-options.js';
import type { DataPaths } from './data-dir.js';
import { whoHolds } from './who-holds.js';

/** The engine that the options ask for; `createProcess` makes the one without containers. */
export function engineFor(
  options: ScanOptions,
  paths: DataPaths,
  createProcess: () => Engine | null,
): Promise<EngineChoice> {
  const { engine, image, mountPath, hostPaths } = options;
  return chooseEngine({ engine, image, mountPath, hostPaths, dataDir: paths.dataDir, createProcess });
}

export interface PreflightContext {
  /** A look at the mount, under way. */
  mount: Promise<MountProbe>;
  choice: EngineChoice;
  scan: string;
  /** Tells the probe containers of one scan apart. */
  attempt: number;
  isAlive: (scan: string) => boolean;
  record: RecordEvent;
}

/** The checks of a scan with these options, as `preflight` shows them and `scan` journals them. */
export function preflightChecks(
  options: ScanOptions,
  paths: DataPaths,
  context: PreflightContext,
): AsyncGenerator<Check> {
  return runPreflight({
    ...context,
    mountPath: options.mountPath,
    dataDir: paths.dataDir,
    journalDir: paths.journalDir,
    probeId: newId(),
    workers: options.maxContainers,
    asked: { cpus: options.cpus, memoryBytes: options.memoryBytes },
    fullChecksums: options.checksum === 'full',
    ioTimeoutMs: options.ioTimeoutMs,
    startTimeoutMs: options.startTimeoutMs,
    checkCatalog: () => Promise.resolve(checkCatalog(paths.catalog)),
  });
}

/** Nothing is wrong with a catalog that somebody holds: deleting or replaying it would not help. */
function closeAdvice(path: string): string {
  const holders = whoHolds(realpathSync(path));
  const who = holders.length === 0 ? 'the program that has it open' : holders.join('; ');
  return `Close ${who}. Nothing is lost until then: what the scan cannot write into it, nas-scanner replay adds later.`;
}

/** Whether the catalog opens. A broken one costs a scan nothing: it is made again from the journal. */
function checkCatalog(path: string): Check {
  if (!existsSync(path)) return passed('catalog', `${path} will be made`);
  try {
    const database = openDatabase(path, { readonly: true, busyTimeoutMs: 1000 });
    try {
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
    } finally {
      database.close();
    }
    return passed('catalog', `${path} opens`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const known = databaseError(error, path);
    const code = known instanceof ProjectionError ? known.code : null;
    if (code === 'catalog-locked')
      return warned('catalog', 'catalog.locked', `${path} is locked by another program`, closeAdvice(path));
    const advice =
      code === 'catalog-damaged'
        ? 'The scan builds it anew from the journal. A file that may be a former catalog is kept beside it.'
        : 'See its owner and mode, and those of its folder. It is made from the journal: nas-scanner replay builds it again.';
    return warned('catalog', 'catalog.unwritable', `${path} does not open: ${reason}`, advice);
  }
}
