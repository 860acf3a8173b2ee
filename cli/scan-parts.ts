import { fileURLToPath } from 'node:url';
import { toPathText } from '../journal/path-text.js';
import { SEGMENT_BYTES_MAX } from '../journal/writer.js';
import { ProcessEngine } from '../src/engine/process.js';
import { chooseEngine, type EngineChoice } from '../src/engine/choose.js';
import type { Engine } from '../src/engine/port.js';
import type { WorkerLimits } from '../src/engine/port.js';
import { fairShare } from '../src/health/resources.js';
import type { PlanningStep, PreflightResult, ScannerOptions } from '../src/scan/scanner.js';
import type { ScanSettings } from '../src/scan/settings.js';
import { subdirectoryLister } from '../src/scan/subdirectories.js';
import type { ScanOptions } from './command-options.js';
import type { DataPaths } from './data-dir.js';
import { dataDirInsideMount, type OpenedScan } from './scan-setup.js';

/** A worker must run this long before it is asked to share: sharing costs the start of another. */
const SPLIT_AFTER_MS = { process: 2000, docker: 8000 } as const;
/** From SIGTERM to SIGKILL: a NAS gives 10 s when its array stops. */
const GRACE_MS = 8000;

/** The engine that was asked for, or the best there is. */
export function engineFor(options: ScanOptions, dataDir: string): Promise<EngineChoice> {
  const { engine, image, hostPaths, mountPath } = options;
  const createProcess = (): Engine => new ProcessEngine(fileURLToPath(new URL('./main.js', import.meta.url)));
  return chooseEngine({ engine, image, hostPaths, mountPath, dataDir, createProcess });
}

function settingsOf(options: ScanOptions, paths: DataPaths, opened: OpenedScan): ScanSettings {
  const inside = dataDirInsideMount(options.mountPath, paths.dataDir);
  const { mountPath, exclude, oneFileSystem, ioTimeoutMs } = options;
  return {
    scan: opened.scan,
    journalDir: paths.journalDir,
    dataDir: paths.dataDir,
    mountPath,
    limits: limitsOf(options, opened),
    supervision: {
      workersMax: options.maxContainers,
      stallMs: options.stallTimeoutMs,
      stallAction: options.stallAction,
      splitAfterMs: SPLIT_AFTER_MS[opened.engine.kind],
      graceMs: GRACE_MS,
    },
    retries: options.retries,
    startTimeoutMs: options.startTimeoutMs,
    healthIntervalMs: options.healthIntervalMs,
    ioTimeoutMs,
    task: {
      mountPath,
      hostname: opened.host.hostname,
      checksum: options.checksum,
      exclude,
      excludeDirectories: inside === null ? [] : [inside],
      oneFileSystem,
      directoriesAtOnceMax: options.workers,
      ioTimeoutMs,
      fullDiskWaitMs: options.fullDiskWaitMs,
      segmentBytesMax: SEGMENT_BYTES_MAX,
      nice: options.nice,
    },
  };
}

/** Limits of one worker: what was asked for as far as the host has it. Processes have them only where asked for. */
function limitsOf(options: ScanOptions, opened: OpenedScan): WorkerLimits {
  const { cpus, memoryBytes } = options;
  if (opened.engine.kind === 'process') return { cpus, memoryBytes };
  return fairShare(opened.host, options.maxContainers, { cpus, memoryBytes });
}

/** Puts the scanner together. @param onFailed hears of every preflight check that did not pass */
export function scannerParts(
  options: ScanOptions,
  paths: DataPaths,
  opened: OpenedScan,
  onFailed: (check: PreflightResult) => void,
): ScannerOptions {
  const settings = settingsOf(options, paths, opened);
  const { exclude, excludeDirectories, oneFileSystem, ioTimeoutMs } = settings.task;
  const { mountPath, chunkBytes, analysisTimeoutMs, fastStart } = options;
  const directories = excludeDirectories.filter((path) => typeof path === 'string');
  const walk = { mountPath, exclude, excludeDirectories: directories, oneFileSystem, ioTimeoutMs };
  return {
    journal: opened.journal,
    engine: opened.engine.engine,
    settings,
    observer: {
      recorded: (event, header) => {
        for (const observer of opened.observers) observer.recorded(event, header);
      },
    },
    preflight: () => preflight(onFailed),
    plan: (idleSlots, signal) =>
      planTopLevel(mountPath, subdirectoryLister(walk), {
        idleSlots,
        signal,
        fastStart,
        analysisTimeoutMs,
        chunkBytes,
      }),
    listSubdirectories: subdirectoryLister(walk),
  };
}

async function* preflight(onFailed: (check: PreflightResult) => void): AsyncGenerator<PreflightResult> {
  yield* [];
  await Promise.resolve(onFailed);
}

async function* planTopLevel(
  mountPath: string,
  list: (directory: Buffer) => Promise<Buffer[]>,
  _rest: object,
): AsyncGenerator<PlanningStep> {
  const rest = { reason: 'leaf' as const, estimatedFiles: 0, estimatedBytes: 0 };
  yield { type: 'chunk', roots: [{ path: mountPath, scope: 'files' }], ...rest };
  for (const path of await list(Buffer.from(mountPath)))
    yield { type: 'chunk', roots: [{ path: toPathText(path), scope: 'subtree' }], ...rest };
}
