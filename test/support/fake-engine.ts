import type { EventData } from '../../journal/events/index.js';
import { JournalWriter } from '../../journal/writer.js';
import {
  EngineError,
  type Engine,
  type EngineSignal,
  type Launch,
  type LaunchPlan,
  type LateStart,
  type SeenWorker,
  type WorkerExit,
  type WorkerUsage,
} from '../../src/engine/port.js';
import { readTask, type WorkerTask } from '../../src/worker/task.js';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MIB = 1024 ** 2;

/** What a scripted worker can do. */
export interface FakeWorker {
  task: WorkerTask;
  launch: Launch;
  /** Opens this attempt's journal as a real worker does. */
  open: () => Promise<JournalWriter>;
  /** Signals it has been sent. */
  signals: string[];
  /** What it has written to its output. */
  log: string[];
  /** Resolves with the next signal. */
  signalled(): Promise<string>;
}

/** Plays one attempt and says how it ended. */
export type Script = (worker: FakeWorker) => Promise<Partial<WorkerExit>>;

interface Running {
  seen: SeenWorker;
  exit: WorkerExit;
  worker: FakeWorker;
  hear(signal: string): void;
}

/** An engine whose workers are scripts: they write real journals, and end as the test wants them to. */
export class FakeEngine implements Engine {
  readonly kind = 'docker';
  readonly subject = 'container';
  readonly workersOutlive = true;
  readonly removed: string[] = [];
  readonly launches: Launch[] = [];
  readonly running = new Map<string, Running>();
  /** Thrown by the next starts, first to last. */
  readonly startErrors: EngineError[] = [];
  /** The next starts that fail come to something so many ms later, all the same. */
  lateMs: number | null = null;
  /** Every question about an exit fails with it; null: it answers. */
  away: EngineError | null = null;
  /** It does not tell of exits by itself. */
  silent = false;
  #listener: (signal: EngineSignal) => void = () => undefined;
  #started = 0;
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  emit(signal: EngineSignal): void {
    this.#listener(signal);
  }

  plan(launch: Launch): LaunchPlan {
    return {
      name: `fake-${launch.chunk}-${launch.attempt}`,
      image: 'fake',
      command: `docker run fake worker --task ${launch.taskFile}`,
    };
  }

  async start(
    launch: Launch,
    plan: LaunchPlan,
    _timeoutMs?: number,
    onLate?: (late: LateStart) => void,
  ): Promise<{ id: string }> {
    const error = this.startErrors.shift();
    if (error !== undefined) {
      const { lateMs } = this;
      if (lateMs !== null) onLate?.(sleep(lateMs).then(() => this.start(launch, plan)));
      throw error;
    }
    this.launches.push(launch);
    const id = `c${++this.#started}`;
    const task = await readTask(launch.taskFile);
    const waiting: ((signal: string) => void)[] = [];
    const worker: FakeWorker = {
      task,
      launch,
      signals: [],
      log: [],
      open: () => openAs(task, launch),
      signalled: () => new Promise((resolve) => waiting.push(resolve)),
    };
    const { scan, chunk, attempt } = launch;
    const entry: Running = {
      seen: { id, name: plan.name, scan, chunk, attempt, phase: 'running' },
      exit: { exitCode: 0, signal: null, oomKilled: false, error: '', logTail: worker.log },
      worker,
      hear: (signal) => {
        worker.signals.push(signal);
        for (const resolve of waiting.splice(0)) resolve(signal);
      },
    };
    this.running.set(id, entry);
    void this.#script(worker).then((exit) => {
      Object.assign(entry.exit, exit);
      entry.seen.phase = 'exited';
      if (!this.silent) this.#listener({ kind: 'exited', id });
    });
    return { id };
  }

  list(scan?: string): Promise<SeenWorker[]> {
    const all = [...this.running.values()].map((entry) => ({ ...entry.seen }));
    return Promise.resolve(all.filter((worker) => scan === undefined || worker.scan === scan));
  }

  exitOf(id: string): Promise<WorkerExit> {
    if (this.away !== null) return Promise.reject(this.away);
    const entry = this.running.get(id);
    return entry ? Promise.resolve(entry.exit) : Promise.reject(new EngineError('not-found', id));
  }

  logTail(id: string): Promise<string[]> {
    return Promise.resolve(this.running.get(id)?.exit.logTail ?? []);
  }

  usage(): Promise<WorkerUsage> {
    return Promise.resolve({ cpuPercent: 1, memoryBytes: 64 * MIB, memoryLimitBytes: 128 * MIB });
  }

  ping(id: string): Promise<boolean> {
    return Promise.resolve(this.running.get(id)?.seen.phase === 'running');
  }

  signal(id: string, signal: 'SIGTERM' | 'SIGUSR2' | 'SIGKILL'): Promise<void> {
    this.running.get(id)?.hear(signal);
    return Promise.resolve();
  }

  remove(id: string): Promise<void> {
    this.removed.push(id);
    this.running.delete(id);
    return Promise.resolve();
  }

  watch(listener: (signal: EngineSignal) => void): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function openAs(task: WorkerTask, launch: Launch): Promise<JournalWriter> {
  return JournalWriter.open({
    journalDir: join(dirname(launch.writerDir), '..'),
    scan: task.scan,
    writer: task.writer,
    hostname: task.hostname,
    epoch: task.epoch,
    previous: task.previous,
    coordinator: task.coordinator,
  });
}

/** A batch that lists one directory completely. */
export function batchOf(task: WorkerTask, path: string, files: string[]): EventData<'files.batch'> {
  const rows = files.map((name) => [name, 10, '1700000000000000000']);
  return {
    chunk: task.chunk,
    attempt: task.attempt,
    columns: ['name', 'size', 'mtimeNs'],
    directories: [
      {
        path,
        part: 1,
        last: true,
        rows,
        problems: [],
        entries: rows.length,
        subdirectories: 0,
        others: 0,
        excluded: 0,
      },
    ],
  };
}

/** A worker that does all it should: lists its roots with one file each. */
export const diligent: Script = async ({ task, open }) => {
  const writer = await open();
  for (const root of task.roots)
    await writer.append('files.batch', batchOf(task, root.path as string, ['a']));
  const { chunk, attempt, roots } = task;
  const n = roots.length;
  await writer.append('chunk.scanned', {
    chunk,
    attempt,
    files: n,
    directories: n,
    bytes: 10 * n,
    problems: 0,
  });
  await writer.close();
  return {};
};
