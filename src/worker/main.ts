import { dirname, resolve } from 'node:path';
import { bigCountOf } from '../../journal/big-count.js';
import { LAST_WORD } from '../engine/last-word.js';
import { inRecords } from '../plan/roots.js';
import { EVENT_VERSIONS } from '../../journal/event-versions.js';
import { WORKER_RESERVE_BYTES } from '../../journal/disk-trouble.js';
import { ownerFromEnvironment } from '../../journal/owner.js';
import { JournalWriter } from '../../journal/writer.js';
import { Frontier } from '../walk/frontier.js';
import { nameForJournal, nameFromJournal } from '../walk/names.js';
import type { ListerOptions } from '../walk/protocol.js';
import { ProcessLister } from '../walk/process-lister.js';
import { MountTable } from '../walk/mounts.js';
import { ThreadLister } from '../walk/thread-lister.js';
import { WorkerError } from './errors.js';
import { EarlierListings, listedBefore } from './listed.js';
import { watchOrders, type Orders } from './orders.js';
import { lowerPriority } from '../priority.js';
import { newestAttempt, readTask, WORKER_EXIT, type WorkerTask } from './task.js';
import { Walk, type WalkPorts, type WalkResult } from './walk.js';

/** Directories at once that are tried first: a disk's head should not thrash, latency should be hidden. */
const LOCAL_AT_ONCE = 4;
const REMOTE_AT_ONCE = 16;
/** Where files are read to their end, few keep any medium busy; more come where that brings more. */
const READING_AT_ONCE = 4;
/** And the most, where the user gives no number. */
const AT_ONCE_MAX = 64;

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs one attempt at one chunk; resolves with the exit code (see WORKER_EXIT). */
export async function runWorker(taskFile: string): Promise<number> {
  try {
    const task = await taskFrom(taskFile);
    const newest = await newestAttempt(dirname(taskFile));
    if (newest > task.attempt)
      throw new WorkerError(
        'superseded',
        `attempt ${task.attempt} starts too late: there is attempt ${newest}`,
      );
    if (task.nice) lowerPriority(log);
    const orders = watchOrders();
    try {
      const exitCode = await runTask(task, taskFile, orders);
      if (exitCode === WORKER_EXIT.done) log(LAST_WORD);
      return exitCode;
    } finally {
      orders.close();
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof WorkerError && error.code === 'bad-task'
      ? WORKER_EXIT.badTask
      : WORKER_EXIT.failed;
  }
}

async function taskFrom(taskFile: string): Promise<WorkerTask> {
  try {
    const task = await readTask(taskFile);
    if (!Array.isArray(task.roots) || typeof task.writer !== 'string') throw new Error('it is no task');
    return task;
  } catch (cause) {
    throw new WorkerError('bad-task', `worker: ${taskFile} cannot be used: ${String(cause)}`, { cause });
  }
}

function listerOptions(task: WorkerTask): ListerOptions {
  return {
    chunk: task.chunk,
    attempt: task.attempt,
    mountPath: nameFromJournal(task.mountPath),
    mountDevice: task.mountDevice,
    checksum: task.checksum,
    exclude: task.exclude,
    excludeDirectories: task.excludeDirectories.map(nameFromJournal),
    oneFileSystem: task.oneFileSystem,
    ioTimeoutMs: task.ioTimeoutMs,
  };
}

async function runTask(task: WorkerTask, taskFile: string, orders: Orders): Promise<number> {
  const journalDir = resolve(dirname(taskFile), '..', '..');
  const before = await listedBefore(journalDir, task);
  for (const path of task.again) before.again.add(nameFromJournal(path));
  const earlier = new EarlierListings(before);
  const options = listerOptions(task);
  const opening = openJournal(journalDir, task, orders.stopped);
  const batchVersion = EVENT_VERSIONS['files.batch'];
  // Its lister gets ready while the journal is opened.
  const { chunk, attempt } = task;
  const frontier = new Frontier(task.roots, (path) => earlier.reach(path));
  const walk = new Walk(
    options,
    { frontier, earlier },
    {
      record: (data) => journal.appendJson('files.batch', batchVersion, data),
      flush: () => journal.flush(),
      reading: ({ path, bytesRead, bytesTotal }) =>
        journal.append('digest.progressed', {
          chunk,
          attempt,
          path: nameForJournal(path),
          bytesRead,
          bytesTotal,
        }),
      tuned: (directoriesAtOnce) => journal.append('walk.tuned', { chunk, attempt, directoriesAtOnce }),
      createLister: listerFactory(task, options),
      log,
    },
  );
  orders.onYield(() => walk.yield());
  const journal = await opening.catch((error: unknown) => {
    walk.abandon();
    throw error;
  });
  const result = await Promise.race([walk.run(), orders.stopped]);
  if (result === null) {
    walk.abandon();
    await journal.close();
    return WORKER_EXIT.stopped;
  }
  await finish(task, journal, result);
  return WORKER_EXIT.done;
}

/** A file system that may hang is listed by processes that can be left behind, a local one by a thread. */
function listerFactory(task: WorkerTask, options: ListerOptions): WalkPorts['createLister'] {
  const mounts = MountTable.read();
  const isLocal = task.roots.every((root) => mounts.isLocal(nameFromJournal(root.path)));
  const start = task.checksum === 'full' ? READING_AT_ONCE : isLocal ? LOCAL_AT_ONCE : REMOTE_AT_ONCE;
  const limits = { start, max: task.directoriesAtOnceMax ?? AT_ONCE_MAX };
  return (events, careful) =>
    isLocal && !careful ? new ThreadLister(options, events) : new ProcessLister(options, limits, events);
}

/** @param stopped from then on a full disk is not waited for */
function openJournal(
  journalDir: string,
  task: WorkerTask,
  stopped: Orders['stopped'],
): Promise<JournalWriter> {
  const waiting = new AbortController();
  void stopped.then(() => waiting.abort());
  return JournalWriter.open({
    journalDir,
    scan: task.scan,
    writer: task.writer,
    hostname: task.hostname,
    epoch: task.epoch,
    previous: task.previous,
    coordinator: task.coordinator,
    segmentBytesMax: task.segmentBytesMax,
    fullDiskWaitMs: task.fullDiskWaitMs,
    reserveBytes: WORKER_RESERVE_BYTES,
    tellsPauses: true,
    endWait: waiting.signal,
    owner: ownerFromEnvironment(),
    onPause: (error) => log(`paused: ${error.message}`),
    onContinue: () => log('going on'),
  });
}

async function finish(task: WorkerTask, journal: JournalWriter, result: WalkResult): Promise<void> {
  const { chunk, attempt } = task;
  const { totals, remaining, directoriesAtOnce } = result;
  const last: Promise<unknown>[] = [];
  if (directoriesAtOnce !== null)
    last.push(journal.append('walk.tuned', { chunk, attempt, directoriesAtOnce }));
  for (const some of inRecords(remaining ?? [], (root) => root))
    last.push(journal.append('chunk.yielded', { chunk, attempt, remaining: some }));
  const { directories, files, problems } = totals;
  const bytes = bigCountOf(totals.bytes);
  last.push(journal.append('chunk.scanned', { chunk, attempt, files, directories, bytes, problems }));
  await Promise.all(last);
  await journal.close();
  log(`${remaining === null ? 'scanned' : 'yielded'}: ${files} files in ${directories} directories`);
}
