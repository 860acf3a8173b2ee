import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listScans } from '../journal/segments.js';
import { ProjectionError } from '../projections/errors.js';
import { lockDataDir, type DataDirLock } from '../projections/lock.js';
import type { DockerEngine, OwnedWorker } from '../src/engine/docker.js';
import { EngineError, type SeenWorker } from '../src/engine/port.js';
import { sweepWorker } from '../src/scan/sweep.js';
import { openDeadScan } from './cleanup-journal.js';
import type { CommonOptions } from './command-options.js';
import { dataDirToRead, dataPaths, type DataPaths } from './data-dir.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { CleanupJson } from './json/cleanup.js';

/** A worker flushes and seals within 8 s of SIGTERM. */
const GRACE_MS = 9_000;
const POLL_MS = 200;
/** Folders of preflights that were killed. */
const LEFT_FOLDER = /^\.(probe|preflight)-/;
const IMAGE_UNUSED = 'none';
const WRITES_LATER = 'its scan is dead, and its end cannot be journaled while another scan runs here';

/** The `cleanup` command: removes the containers of this data directory's dead scans, and nothing else. */
export async function runCleanup(options: CommonOptions, io: Io): Promise<ExitCode> {
  const paths = dataPaths(dataDirToRead(options.dataDir), options.dbName);
  const lock = takeLock(paths);
  try {
    if (lock !== null) await removeFolders(paths.journalDir);
    const docker = await connect(paths);
    if (docker === null) return report({ removed: [], kept: [], stuck: [] }, false, io);
    try {
      return report(await clean(docker, paths, lock !== null), true, io);
    } finally {
      await docker.close();
    }
  } finally {
    lock?.release();
  }
}

/** Held while we remove, so that no scan begins meanwhile; null while a scan runs. */
function takeLock(paths: DataPaths): DataDirLock | null {
  if (!existsSync(paths.dataDir)) return null;
  try {
    return lockDataDir(paths.dataDir);
  } catch (error) {
    if (error instanceof ProjectionError && error.code === 'locked') return null;
    throw error;
  }
}

async function removeFolders(journalDir: string): Promise<void> {
  if (!existsSync(journalDir)) return;
  for (const name of await readdir(journalDir)) {
    if (LEFT_FOLDER.test(name)) await rm(join(journalDir, name), { recursive: true, force: true });
  }
}

/** Null where there is no Docker at all: then there are no containers either. */
async function connect(paths: DataPaths): Promise<DockerEngine | null> {
  const { createDockerEngine } = await import('../src/engine/docker.js');
  try {
    return await createDockerEngine({ image: IMAGE_UNUSED, dataDir: paths.dataDir, hostPaths: [] });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const absent = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    if (absent && process.env['DOCKER_HOST'] === undefined) return null;
    throw new CommandError(error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

interface Cleaned extends Pick<CleanupJson, 'removed'> {
  /** Left alone, because they are not ours to remove now. */
  kept: CleanupJson['kept'];
  /** Those that the engine did not remove. */
  stuck: CleanupJson['kept'];
}

async function clean(docker: DockerEngine, paths: DataPaths, locked: boolean): Promise<Cleaned> {
  const scans = await listScans(paths.journalDir);
  const alive = locked ? null : scans.at(-1);
  const here = hostName(docker, paths.dataDir);
  const cleaned: Cleaned = { removed: [], kept: [], stuck: [] };
  const dead: OwnedWorker[] = [];
  for (const worker of await docker.listOwned()) {
    const { name, id, scan } = worker;
    const ours = worker.dataDir === here || scans.includes(scan);
    if (!ours) cleaned.kept.push({ name, id, scan, reason: 'it belongs to another data directory' });
    else if (scan === alive) cleaned.kept.push({ name, id, scan, reason: 'its scan is running' });
    else if (!locked && scans.includes(scan)) cleaned.kept.push({ name, id, scan, reason: WRITES_LATER });
    else dead.push(worker);
  }
  const asked = await askToEnd(docker, dead);
  const now = new Map((await docker.list()).map((worker) => [worker.id, worker]));
  for (const scan of new Set(dead.map((worker) => worker.scan))) {
    // What is gone by now has been removed by somebody else.
    const workers = dead.flatMap(({ id, scan: its }) => (its === scan ? (now.get(id) ?? []) : []));
    await sweep({ docker, paths, asked }, workers, cleaned);
  }
  return cleaned;
}

/** Removes the containers of one dead scan, after their ends are in its journal where that is here. */
async function sweep(
  { docker, paths, asked }: { docker: DockerEngine; paths: DataPaths; asked: ReadonlySet<string> },
  workers: readonly SeenWorker[],
  cleaned: Cleaned,
): Promise<void> {
  const scan = workers[0]?.scan;
  if (scan === undefined) return;
  const journal = await openDeadScan(paths.journalDir, scan, workers.length);
  for (const worker of workers) {
    const { name, id } = worker;
    try {
      if (journal === null) await docker.remove(id);
      else await sweepWorker({ engine: docker, journal }, worker, asked.has(id));
      cleaned.removed.push({ name, id, scan, journaled: journal !== null });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      cleaned.stuck.push({ name, id, scan, reason: error.message });
    }
  }
  await journal?.close();
}

/** The data directory as the engine's labels call it; null where it has no name there. */
function hostName(docker: DockerEngine, dataDir: string): string | null {
  try {
    return docker.paths.toHost(dataDir);
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}

/** Lets workers that still run flush and seal; what does not end in time is killed. Returns their ids. */
async function askToEnd(docker: DockerEngine, workers: readonly OwnedWorker[]): Promise<Set<string>> {
  const running = workers.filter((worker) => worker.phase === 'running');
  const ids = new Set(running.map((worker) => worker.id));
  if (running.length === 0) return ids;
  for (const id of ids) await docker.signal(id, 'SIGTERM');
  const deadlineMs = performance.now() + GRACE_MS;
  while (performance.now() < deadlineMs) {
    const seen = await docker.list();
    if (!seen.some((worker) => ids.has(worker.id) && worker.phase === 'running')) return ids;
    await sleep(POLL_MS);
  }
  return ids;
}

function report({ removed, kept: alone, stuck }: Cleaned, hasDocker: boolean, io: Io): ExitCode {
  const kept = [...alone, ...stuck];
  io.json({ removed, kept } satisfies CleanupJson);
  if (!io.quiet) {
    for (const { name, journaled } of removed)
      io.out(`removed ${name}${journaled ? '' : ': how it ended is in no journal here'}\n`);
    for (const { name, reason } of kept) io.out(`left ${name} alone: ${reason}\n`);
    if (!hasDocker) io.out('There is no Docker here, so no containers either.\n');
    else if (removed.length === 0) io.out('Nothing to remove: no container belongs to a dead scan.\n');
  }
  for (const { name, reason } of stuck) io.err(`nas-scanner: ${name} cannot be removed: ${reason}\n`);
  return stuck.length === 0 ? EXIT.done : EXIT.failed;
}
