import { fileURLToPath } from 'node:url';
import { SEGMENT_BYTES_MAX } from '../journal/writer.js';
import { ProcessEngine } from '../src/engine/process.js';
import type { WorkerLimits } from '../src/engine/port.js';
import { capacityOf } from '../src/health/check-engine.js';
import { fairShare } from '../src/health/resources.js';
import type { MountLook, MountProbe } from '../src/health/mount.js';
import { MeasuringAtHand } from '../src/plan/measuring-at-hand.js';
import { planScan } from '../src/plan/planner.js';
import type { PreflightResult, ScannerOptions } from '../src/scan/scanner-options.js';
import { readLearned } from '../src/scan/plan-history.js';
import type { ScanSettings } from '../src/scan/settings.js';
import { subdirectoryLister } from '../src/scan/subdirectories.js';
import type { ScanOptions } from './command-options.js';
import type { DataPaths } from './data-dir.js';
import { preflightChecks } from './preflight-checks.js';
import { dataDirInsideMount, type OpenedScan } from './scan-setup.js';

/** A worker must run this long before it is asked to share: sharing costs the start of another. */
const SPLIT_AFTER_MS = { process: 3000, docker: 8000 } as const;
const SPLIT_AFTER_SHARE = 0.05;
/** About what sharing costs: whoever is done sooner need not have shared. */
const SPLIT_IDLE_MS = { process: 1000, docker: 3000 } as const;
/** A disk that was asleep has its say by then, mostly. */
const MOUNT_WAITS_MS = 3000;
/** From SIGTERM to SIGKILL: a NAS gives 10 s when its array stops. */
const GRACE_MS = 8000;

/** Workers as processes of this host, running this very program. */
export function createProcessEngine(): ProcessEngine {
  return new ProcessEngine(fileURLToPath(new URL('./main.js', import.meta.url)));
}

function settingsOf(
  options: ScanOptions,
  paths: DataPaths,
  { opened, excludeDirectories }: { opened: OpenedScan; excludeDirectories: string[] },
): ScanSettings {
  const { mountPath, exclude, oneFileSystem, ioTimeoutMs } = options;
  return {
    scan: opened.scan,
    journalDir: paths.journalDir,
    dataDir: paths.dataDir,
    owner: opened.owner,
    mountPath,
    limits: limitsOf(options, opened),
    supervision: {
      workersMax: options.maxContainers,
      usefulWorkers: capacityOf(opened.engine).cpus,
      stallMs: options.stallTimeoutMs,
      stallAction: options.stallAction,
      splitAfterMs: SPLIT_AFTER_MS[opened.engine.kind],
      splitAfterShare: SPLIT_AFTER_SHARE,
      splitIdleMs: SPLIT_IDLE_MS[opened.engine.kind],
      graceMs: GRACE_MS,
      engineWaitMs: options.engineWaitMs,
    },
    retries: options.retries,
    startTimeoutMs: options.startTimeoutMs,
    healthIntervalMs: options.healthIntervalMs,
    ioTimeoutMs,
    task: {
      mountPath,
      mountDevice: null, // until preflight has looked
      hostname: opened.host.hostname,
      checksum: options.checksum,
      exclude,
      excludeDirectories,
      oneFileSystem,
      directoriesAtOnceMax: options.workers,
      ioTimeoutMs,
      fullDiskWaitMs: options.fullDiskWaitMs,
      segmentBytesMax: SEGMENT_BYTES_MAX,
      nice: options.nice,
    },
  };
}

/** Limits of one worker: what was asked for as far as their host has it. Processes have them only where asked for. */
function limitsOf(options: ScanOptions, opened: OpenedScan): WorkerLimits {
  const { cpus, memoryBytes } = options;
  if (opened.engine.kind === 'process') return { cpus, memoryBytes };
  return fairShare(capacityOf(opened.engine), options.maxContainers, { cpus, memoryBytes });
}

/** Who hears what preflight finds. */
export interface PreflightListener {
  /** A check that did not pass. */
  failed(check: PreflightResult): void;
  /** The mount has not answered for a while. */
  mountWaits(): void;
  /** The data directory lies there in the mount, and is left out. */
  dataDirInside(path: string): void;
}

/** Puts the scanner together. */
export function scannerParts(
  options: ScanOptions,
  paths: DataPaths,
  { opened, look }: { opened: OpenedScan; look: MountLook },
  listener: PreflightListener,
): ScannerOptions {
  const excludeDirectories: string[] = []; // until preflight has looked
  const settings = settingsOf(options, paths, { opened, excludeDirectories });
  const { exclude, oneFileSystem, ioTimeoutMs } = settings.task;
  const { mountPath, chunkBytes, analysisTimeoutMs, fastStart } = options;
  const measuring = new MeasuringAtHand(mountPath);
  const walk = { mountPath, exclude, excludeDirectories, oneFileSystem, ioTimeoutMs };
  return {
    journal: opened.journal,
    engine: opened.engine.engine,
    diskPause: opened.diskPause,
    settings,
    observer: opened.observer,
    preflight: (signal) => {
      measuring.prepare(); // for the plan, which comes next
      const mount = awaitMount(look.answer(signal), settings, listener);
      return preflight(options, paths, { opened, mount, listener, signal });
    },
    plan: async function* (idleSlots, signal, directoriesListed) {
      const history =
        opened.before === null ? {} : { history: await readLearned(paths.journalDir, opened.before.scan) };
      const slots = options.maxContainers;
      yield* planScan(
        {
          ...walk,
          ...history,
          chunkBytes,
          analysisTimeoutMs,
          fastStart,
          slots,
          idleSlots,
          directoriesListed,
          signal,
        },
        measuring,
      );
    },
    listSubdirectories: subdirectoryLister(walk, measuring),
    prepareListing: () => {
      measuring.prepare();
    },
  };
}

/** Workers are told what the look at the mount has found: its device, and the data directory where that lies in it. */
async function awaitMount(
  look: Promise<MountProbe>,
  { mountPath, dataDir, task }: ScanSettings,
  listener: PreflightListener,
): Promise<MountProbe> {
  const waits = setTimeout(() => {
    listener.mountWaits();
  }, MOUNT_WAITS_MS);
  const found = await look;
  clearTimeout(waits);
  task.mountDevice = found.device;
  const inside = found.realPath && dataDirInsideMount(mountPath, found.realPath, dataDir);
  if (inside) {
    task.excludeDirectories.push(inside);
    listener.dataDirInside(inside);
  }
  return found;
}

async function* preflight(
  options: ScanOptions,
  paths: DataPaths,
  {
    opened,
    mount,
    listener,
    signal,
  }: { opened: OpenedScan; mount: Promise<MountProbe>; listener: PreflightListener; signal: AbortSignal },
): AsyncGenerator<PreflightResult> {
  const { scan, epoch, journal, engine } = opened;
  const checks = preflightChecks(options, paths, {
    mount,
    choice: engine,
    scan,
    attempt: epoch,
    isAlive: (other) => other === scan,
    record: (type, data) => journal.append(type, data),
  });
  for await (const check of checks) {
    // What was not waited for has not failed.
    if (!check.ok && !signal.aborted) listener.failed(check);
    yield check;
  }
}
