import { readFileSync, realpathSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { newScanId, timeOfId } from '../journal/ids.js';
import type { EventData, Host } from '../journal/events/index.js';
import { ownerFromEnvironment } from '../journal/owner.js';
import { makeFolder, type FileOwner } from '../journal/storage.js';
import { COORDINATOR } from '../journal/segments.js';
import { endOfWriter } from '../journal/settle.js';
import { validateEvent } from '../journal/validate.js';
import { JournalWriter } from '../journal/writer.js';
import type { EngineChoice } from '../src/engine/choose.js';
import { proveWritable } from '../src/health/room.js';
import { completeScan } from '../src/scan/decide.js';
import {
  checkName,
  findResumable,
  lastFinished,
  readEarlierScans,
  type EarlierScan,
} from '../src/scan/history.js';
import { DiskPause } from '../src/scan/disk-pause.js';
import { ScanError } from '../src/scan/errors.js';
import type { RecordObserver } from '../src/scan/observer.js';
import { ScanJournal } from '../src/scan/scan-journal.js';
import { initialState, type ScanState, type Totals } from '../src/scan/state.js';
import type { ScanOptions } from './command-options.js';
import type { DataPaths } from './data-dir.js';
import { CommandError, usageError } from './errors.js';

/** Kept free for the coordinator's last words on a full disk. */
const RESERVE_BYTES = 256 * 1024;

/** A scan whose coordinator journal is open and that has not begun yet. */
export interface OpenedScan {
  scan: string;
  startedAtMs: number;
  host: Host;
  /** Whom what is written belongs to. */
  owner: FileOwner;
  /** The coordinator's. */
  epoch: number;
  journal: ScanJournal;
  engine: EngineChoice;
  /** Who hear of every record. */
  observers: RecordObserver[];
  /** Tells them. */
  observer: RecordObserver;
  diskPause: DiskPause;
  /** The last finished scan of this mount. */
  before: EarlierScan | null;
  /** Appends its first word: `scan.started` or `scan.resumed`. */
  begin(): Promise<void>;
  /** `scan.completed`, or what it would say of an interrupted scan. */
  lastWord(partial: Totals): EventData<'scan.completed'>;
}

/** Makes the data directory, and proves that it takes files. */
export async function prepareDataDir(paths: DataPaths): Promise<void> {
  const owner = ownerFromEnvironment();
  if (owner.umask !== null) process.umask(owner.umask);
  try {
    await makeFolder(paths.journalDir, owner);
    await proveWritable(paths.dataDir, String(process.pid));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`cannot write to the data directory ${paths.dataDir}: ${reason}`, {
      cause,
      hint: 'Choose another one with --data-dir, or make this one writable.',
    });
  }
}

/** @throws CommandError (wrong usage) when the scan would write into the directory that it scans */
export function refuseOneDirectory(mountPath: string, dataDir: string): void {
  if (mountPath !== dataDir) return;
  throw usageError(
    `the data directory ${dataDir} is the directory to scan itself`,
    'Choose another one with --data-dir.',
  );
}

/**
 * The data directory as seen below the mount, where it lies there: it is never scanned. The mount itself where both
 * are one.
 * @param realMount where the mount's path leads, see MountProbe
 */
export function dataDirInsideMount(mountPath: string, realMount: string, dataDir: string): string | null {
  const below = relative(realMount, realpathSync(dataDir));
  return below === '..' || below.startsWith('../') ? null : join(mountPath, below);
}

export function describeHost(): Host {
  return {
    hostname: hostname(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** The options as the journal keeps them: all that shapes the scan. */
function journaledOptions(options: ScanOptions): Record<string, unknown> {
  const elsewhere = new Set<string>(['dataDir', 'json', 'quiet', 'mountPath', 'mountName']);
  return Object.fromEntries(Object.entries(options).filter(([name]) => !elsewhere.has(name)));
}

/** Chooses between a new scan and an unfinished one, and opens the coordinator's journal. */
export async function openScan(
  options: ScanOptions,
  paths: DataPaths,
  engine: EngineChoice,
  say: (text: string) => void,
): Promise<OpenedScan> {
  const earlier = await readEarlierScans(paths.journalDir);
  try {
    checkName(earlier, options.mountPath, options.mountName);
  } catch (error) {
    throw error instanceof ScanError ? usageError(error.message, error.hint) : error;
  }
  const resumed = chooseResumed(options, earlier, say);
  const scan = resumed?.scan ?? (await newScanId(paths.journalDir));
  const host = describeHost();
  const owner = ownerFromEnvironment();
  const state = resumed?.state ?? initialState();
  const opened = await openJournal(options, paths, { scan, hostname: host.hostname, owner, state, say });
  const { journal, observers } = opened;
  let completed: EventData<'scan.completed'> | null = null;
  observers.push({
    recorded: (event) => {
      if (event.type === 'scan.completed') completed = event.data;
    },
  });
  return {
    ...opened,
    scan,
    startedAtMs: timeOfId(scan),
    host,
    owner,
    engine,
    before: lastFinished(earlier, options.mountPath),
    begin: () => begin(options, journal, { engine: engine.kind, host, resumed }),
    lastWord: (partial) => completed ?? completeScan(journal.state, partial, false),
  };
}

/** Opens the next epoch of the coordinator's journal; a full disk pauses the scan from then on. */
async function openJournal(
  { fullDiskWaitMs }: ScanOptions,
  { journalDir, dataDir }: DataPaths,
  about: { scan: string; hostname: string; owner: FileOwner; state: ScanState; say: (text: string) => void },
): Promise<Pick<OpenedScan, 'epoch' | 'journal' | 'observers' | 'observer' | 'diskPause'>> {
  const { scan, hostname, owner, state, say } = about;
  const { last: previous, nextEpoch: epoch } = await endOfWriter(journalDir, scan, COORDINATOR);
  const waiting = new AbortController();
  let diskPause: DiskPause | null = null; // until the journal is open
  const writer = await JournalWriter.open({
    ...{ journalDir, scan, writer: COORDINATOR, hostname, epoch, previous, coordinator: null },
    fullDiskWaitMs,
    reserveBytes: RESERVE_BYTES,
    owner,
    validate: validateEvent,
    endWait: waiting.signal,
    onPause: (error) => {
      say(`paused: ${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`);
      diskPause?.ownWaits(error);
    },
    onContinue: () => {
      say('there is room again: the scan goes on');
      diskPause?.ownGoesOn();
    },
  });
  const observers: RecordObserver[] = [];
  const observer: RecordObserver = {
    recorded: (event, header) => {
      for (const each of observers) each.recorded(event, header);
    },
  };
  const journal = new ScanJournal(writer, state, observer);
  diskPause = new DiskPause({
    journal,
    dataDir,
    waitMs: fullDiskWaitMs,
    endWait: () => waiting.abort(),
  });
  return { epoch, journal, observers, observer, diskPause };
}

function chooseResumed(
  options: ScanOptions,
  earlier: readonly EarlierScan[],
  say: (text: string) => void,
): EarlierScan | null {
  if (options.resume === 'fresh') return null;
  const { scan, obstacle } = findResumable(earlier, options.mountPath, journaledOptions(options));
  if (scan !== null) say(`going on with the unfinished scan ${scan.scan} (--fresh begins a new one)`);
  else if (options.resume === 'resume') {
    throw new CommandError(`nothing to resume for ${options.mountPath}: ${obstacle}`, {
      hint: 'Leave --resume away to begin a new scan.',
    });
  }
  return scan;
}

async function begin(
  options: ScanOptions,
  journal: ScanJournal,
  { engine, host, resumed }: { engine: EngineChoice['kind']; host: Host; resumed: EarlierScan | null },
): Promise<void> {
  if (resumed === null) {
    const { mountPath, mountName } = options;
    await journal.append('scan.started', {
      mountPath,
      mountName,
      engine,
      options: journaledOptions(options),
      host,
    });
    return;
  }
  const { outcome, bootId } = resumed.state;
  const ended =
    bootId === host.bootId ? 'its coordinator ended without a last word' : 'the host was restarted';
  await journal.append('scan.resumed', {
    reason: outcome === null ? ended : 'it ended incomplete',
    host,
    engine,
  });
}
