import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventData, EventType } from '../../journal/events/index.js';
import { decodeLine } from '../../journal/record.js';
import { makeFolder } from '../../journal/storage.js';
import type { DockerEngine } from '../engine/docker.js';
import { killWorker, STUCK } from '../engine/kill.js';
import { EngineError, type Launch, type WorkerExit, type WorkerLimits } from '../engine/port.js';
import { engineFailure } from './check-engine.js';
import { failed, passed, type Check } from './check.js';
import {
  PROBE_EVENT,
  PROBE_RECORD_FILE,
  PROBE_WRITER,
  type ProbeAnswer,
  type ProbeTask,
} from './probe-program.js';

const POLL_MS = 50;
const LOG_LINES_SHOWN = 3;
/** Nothing but a dead mount holds a process that was sent SIGKILL. */
const STUCK_EXIT: WorkerExit = { exitCode: null, signal: null, oomKilled: false, error: STUCK, logTail: [] };

/** Journals an event of the probe's container. */
export type RecordEvent = <T extends EventType>(type: T, data: EventData<T>) => Promise<unknown>;

export interface ProbeOptions {
  docker: DockerEngine;
  journalDir: string;
  scan: string;
  /** Tells the probes of one scan apart. */
  attempt: number;
  /** A fresh ULID. */
  id: string;
  mountPath: string;
  /** One entry of the mount as this process sees it, or null. */
  sample: string | null;
  fullChecksums: boolean;
  limits: WorkerLimits;
  startTimeoutMs: number;
  record: RecordEvent;
}

/**
 * Starts a real worker container that looks at the mount and writes a record where workers write theirs,
 * and reads that back: the only proof that both sides mean the same folders.
 */
export async function checkProbe(options: ProbeOptions): Promise<Check> {
  const writerDir = join(options.journalDir, `.probe-${options.id.toLowerCase()}`);
  try {
    await makeFolder(writerDir);
    const { id, scan, mountPath, sample, fullChecksums } = options;
    const task: ProbeTask = { id, scan, mountPath, sample, fullChecksums };
    await writeFile(join(writerDir, 'task.json'), JSON.stringify(task));
    const exit = await runContainer(options, writerDir);
    return await judge(options, writerDir, exit);
  } catch (error) {
    return engineFailure('probe', error, 'Try the `docker run` line of the log by hand.');
  } finally {
    await rm(writerDir, { recursive: true, force: true });
  }
}

/** Start to end, each step journaled before the next. */
async function runContainer(options: ProbeOptions, writerDir: string): Promise<WorkerExit> {
  const { docker, record, scan, attempt } = options;
  const launch: Launch = {
    scan,
    chunk: 0,
    attempt,
    writer: PROBE_WRITER,
    writerDir,
    taskFile: join(writerDir, 'task.json'),
    mountPath: options.mountPath,
    limits: options.limits,
  };
  const plan = docker.plan(launch);
  const which = { chunk: 0, attempt, name: plan.name };
  await record('container.requested', { ...which, image: plan.image, command: plan.command });
  let id: string;
  try {
    id = (await docker.start(launch, plan, options.startTimeoutMs)).id;
  } catch (error) {
    if (error instanceof EngineError)
      await record('container.start-failed', { ...which, reason: error.code, detail: error.message });
    throw error;
  }
  await record('container.started', { ...which, id });
  const inTime = await waitForEnd(docker, id, options);
  const isStuck = !inTime && !(await killWorker(docker, { id, scan }));
  const exit = isStuck ? STUCK_EXIT : await docker.exitOf(id);
  const { exitCode, oomKilled, error, logTail } = exit;
  await record('container.exited', {
    ...{ ...which, id, exitCode, oomKilled, error, logTail },
    ...(inTime || isStuck ? {} : { swept: true as const }),
  });
  if (isStuck) return exit; // the engine could only wait for it, too
  await docker.remove(id);
  await record('container.removed', { name: plan.name, id });
  if (inTime) return exit;
  throw new EngineError(
    'start-timeout',
    `the probe container did not end within ${options.startTimeoutMs / 1000} s`,
    {
      hint: 'The host is overloaded, or the mount hangs inside containers: try docker run by hand, or a longer --start-timeout.',
    },
  );
}

/** Resolves with whether it has ended in time. */
async function waitForEnd(docker: DockerEngine, id: string, options: ProbeOptions): Promise<boolean> {
  const deadlineMs = performance.now() + options.startTimeoutMs;
  for (;;) {
    const seen = await docker.list(options.scan);
    const phase = seen.find((each) => each.id === id)?.phase ?? 'exited';
    if (phase === 'exited') return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(POLL_MS);
  }
}

async function judge(options: ProbeOptions, writerDir: string, exit: WorkerExit): Promise<Check> {
  if (exit === STUCK_EXIT) {
    return failed(
      'probe',
      'mount.lost',
      `${options.mountPath} hangs in a container: it did not answer there within ${options.startTimeoutMs / 1000} s`,
      'The server or disk behind it is gone or asleep. Unmount and mount it again, then nas-scanner cleanup.',
    );
  }
  if (exit.exitCode !== 0) {
    const words = [exit.error, ...exit.logTail.slice(-LOG_LINES_SHOWN)]
      .filter((line) => line !== '')
      .join(' | ');
    return failed(
      'probe',
      exit.oomKilled ? 'container.oom-killed' : 'container.failed',
      `the probe container ended with ${exit.exitCode ?? 'no exit code'}${words === '' ? '' : `: ${words}`}`,
      exit.oomKilled
        ? 'It ran out of memory: raise --memory.'
        : 'Build the image again: it may be of another version.',
    );
  }
  const answer = await readAnswer(options, writerDir);
  if (answer === null) {
    return failed(
      'probe',
      'path.untranslatable',
      `the container wrote its record, but not into ${options.journalDir}`,
      `Docker means another folder by that name: say --host-path ${options.journalDir}=FOLDER_ON_THE_HOST`,
    );
  }
  return judgeAnswer(options, answer);
}

function judgeAnswer(options: ProbeOptions, answer: ProbeAnswer): Check {
  const { mountPath } = options;
  if (answer.code !== null) {
    return failed(
      'probe',
      answer.code === 'EACCES' || answer.code === 'EPERM' ? 'mount.denied' : 'mount.lost',
      `the container cannot list ${mountPath} (${answer.code})`,
      'FUSE mounts need allow_other (or allow_root) to be seen by containers.',
    );
  }
  if (answer.sampleSeen === false || (answer.empty && options.sample !== null)) {
    return failed(
      'probe',
      'path.untranslatable',
      `the container sees other files in ${mountPath} than the scanner does`,
      `Docker means another folder by that name: say --host-path ${mountPath}=FOLDER_ON_THE_HOST, or mount the share before Docker starts.`,
    );
  }
  return passed('probe', 'a container starts, sees the same files, and its journal record arrives');
}

/** The probe's record, verified as any record; null where it is not there. */
async function readAnswer(options: ProbeOptions, writerDir: string): Promise<ProbeAnswer | null> {
  const bytes = await readFile(join(writerDir, PROBE_RECORD_FILE)).catch(() => null);
  if (bytes === null) return null;
  const decoded = decodeLine(bytes.subarray(0, -1));
  if (!decoded.ok || decoded.record.id !== options.id || decoded.record.type !== PROBE_EVENT) return null;
  return decoded.record.json() as ProbeAnswer;
}
