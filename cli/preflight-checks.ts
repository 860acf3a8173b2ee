import { existsSync } from 'node:fs';
import { newId } from '../journal/ids.js';
import { openDatabase } from '../projections/database.js';
import { chooseEngine, type EngineChoice } from '../src/engine/choose.js';
import type { Engine } from '../src/engine/port.js';
import type { RecordEvent } from '../src/health/check-probe.js';
import { passed, warned, type Check } from '../src/health/check.js';
import type { MountProbe } from '../src/health/mount.js';
import { runPreflight } from '../src/health/preflight.js';
import type { ScanOptions } from './command-options.js';
import type { DataPaths } from './data-dir.js';

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
    return warned(
      'catalog',
      'catalog.unwritable',
      `${path} does not open: ${reason}`,
      'It is made from the journal and can be deleted; nas-scanner replay builds it again.',
    );
  }
}
