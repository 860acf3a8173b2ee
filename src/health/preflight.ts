import { realpath } from 'node:fs/promises';
import type { EngineChoice } from '../engine/choose.js';
import {
  capacityOf,
  checkEngine,
  checkFullChecksums,
  checkImage,
  checkLeftovers,
  checkPaths,
  checkResources,
} from './check-engine.js';
import { checkDataDir, checkJournal, checkMount } from './check-places.js';
import { checkProbe, type RecordEvent } from './check-probe.js';
import type { Check } from './check.js';
import type { MountProbe } from './mount.js';
import { fairShare, type AskedLimits } from './resources.js';

export interface PreflightOptions {
  mountPath: string;
  /** A look at the mount, under way: the other checks go on meanwhile. */
  mount: Promise<MountProbe>;
  dataDir: string;
  journalDir: string;
  /** The scan's ULID; for a preflight alone, a fresh one. */
  scan: string;
  /** Tells the probes of one scan apart: the coordinator's epoch. */
  attempt: number;
  /** A fresh ULID for the probe's record. */
  probeId: string;
  choice: EngineChoice;
  workers: number;
  asked: AskedLimits;
  fullChecksums: boolean;
  ioTimeoutMs: number;
  startTimeoutMs: number;
  /** Whether the catalog can be opened; the caller's, for only it may open SQLite. */
  checkCatalog: () => Promise<Check>;
  /** Whether a scan's containers belong to a living coordinator. */
  isAlive: (scan: string) => boolean;
  /** Journals the probe's container; does nothing in a preflight alone. */
  record: RecordEvent;
}

/**
 * Every check of a scan, each told as soon as it is known. What depends on a failed check is left out.
 * Only a check with `fatal` keeps the scan from beginning.
 */
export async function* runPreflight(options: PreflightOptions): AsyncGenerator<Check> {
  const { mountPath, dataDir, choice, workers } = options;
  const place = await checkDataDir(dataDir);
  yield place;
  const journal = place.ok ? await checkJournal(options.journalDir, options.scan) : null;
  if (journal !== null) yield journal;
  if (place.ok) yield await options.checkCatalog();
  const mount = await options.mount;
  const realDataDir = place.ok ? await realpath(dataDir) : null;
  yield checkMount(mountPath, mount, { timeoutMs: options.ioTimeoutMs, realDataDir });
  const host = capacityOf(choice);
  const share = fairShare(host, workers, options.asked);
  yield checkResources(host, workers, share);
  yield checkEngine(choice);
  if (choice.kind === 'process' && options.fullChecksums) yield checkFullChecksums();
  const { docker } = choice;
  if (docker === null) return;
  const image = await checkImage(docker);
  yield image;
  const paths = checkPaths(docker, mountPath, dataDir);
  yield paths;
  if (image.ok && paths.ok && mount.state === 'ok' && journal?.ok === true) {
    const { journalDir, scan, attempt, startTimeoutMs, fullChecksums, record } = options;
    const limits = { cpus: share.cpus, memoryBytes: share.memoryBytes };
    const { sample } = mount;
    const id = options.probeId;
    yield await checkProbe({
      docker,
      journalDir,
      scan,
      attempt,
      id,
      mountPath,
      sample,
      fullChecksums,
      limits,
      startTimeoutMs,
      record,
    });
  }
  if (paths.ok) yield await checkLeftovers(docker, dataDir, options.isAlive);
}
