import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownPath } from '../../journal/owner.js';
import type { FileOwner } from '../../journal/storage.js';
import type { ChecksumMode } from '../hash/sampling.js';
import type { ChunkRoot, CoordinatorRef, PathText, RecordRef } from '../../journal/events/index.js';

/** The task of each attempt lies beside the segments of its writer: a worker sees no other folder. */
const TASK_FILE = /^task-(\d+)\.json$/;

/** What a worker is to do: the payload of `chunk.planned` plus all it may need and cannot see elsewhere. */
export interface WorkerTask {
  scan: string;
  writer: string;
  chunk: number;
  attempt: number;
  roots: ChunkRoot[];
  mountPath: PathText;
  /** Of these an earlier attempt's listing does not hold any more: they are listed again. */
  again: PathText[];
  /** `st_dev` of the mount as the scan began, decimal; null: not known. Under another one nothing is listed. */
  mountDevice: string | null;
  hostname: string;
  /** The coordinator's newest durable record when this was written. */
  coordinator: CoordinatorRef;
  /** This writer's last counted record of earlier attempts: readers ignore what lies beyond it. */
  previous: RecordRef | null;
  /** The attempt's first epoch: higher than any in the folder. */
  epoch: number;
  checksum: ChecksumMode;
  /** Globs as the user gave them. */
  exclude: string[];
  /** Absolute folders never entered: the data directory when it lies below the mount. */
  excludeDirectories: PathText[];
  oneFileSystem: boolean;
  /** Upper bound of directories worked on at once; null: found by measuring. */
  directoriesAtOnceMax: number | null;
  ioTimeoutMs: number;
  fullDiskWaitMs: number;
  /** Size at which a segment is sealed and the next one begun. */
  segmentBytesMax: number;
  /** Lower CPU and I/O priority. */
  nice: boolean;
}

/** How a worker ends. */
export const WORKER_EXIT = {
  /** The chunk is done, or yielded: `chunk.scanned` is written and the segment sealed. */
  done: 0,
  failed: 1,
  /** The task file is missing or senseless. */
  badTask: 2,
  /** Stopped on SIGTERM: sealed, without `chunk.scanned`. */
  stopped: 143,
} as const;

/** Writes the task atomically; returns its path. */
export async function writeTask(writerDir: string, task: WorkerTask, owner: FileOwner): Promise<string> {
  const path = join(writerDir, `task-${task.attempt}.json`);
  await writeFile(`${path}.tmp`, JSON.stringify(task));
  await ownPath(`${path}.tmp`, owner);
  await rename(`${path}.tmp`, path);
  return path;
}

/** The newest attempt there is a task for: whoever finds one that is newer than its own has started too late. */
export async function newestAttempt(writerDir: string): Promise<number> {
  const names = await readdir(writerDir);
  return Math.max(0, ...names.map((name) => Number(TASK_FILE.exec(name)?.[1] ?? 0)));
}

/** Reads it back. It was written by the same program, in the same version, so its shape is trusted. */
export async function readTask(path: string): Promise<WorkerTask> {
  return JSON.parse(await readFile(path, 'utf8')) as WorkerTask;
}
