import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { LOG_TAIL_LINES_MAX } from '../../journal/events/attempt.js';
import {
  EngineError,
  type Engine,
  type EngineSignal,
  type Launch,
  type LaunchPlan,
  type SeenWorker,
  type WorkerExit,
  type WorkerUsage,
} from './port.js';
import { childEnvironment } from '../child-environment.js';
import { restorePriority } from '../priority.js';
import { logLine } from './log-line.js';
import { aboutProcess, processStat, residentBytes } from './process-stat.js';
import { shellWord } from './shell-word.js';

/** Kernel clock ticks per second, as /proc counts CPU time; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Heap of a worker where no memory limit was asked for. */
const HEAP_MIB_MIN = 64;

/** From a worker's exit until its log counts as read. */
const LAST_LINES_MS = 200;

interface Child {
  process: ChildProcess;
  seen: SeenWorker;
  exit: WorkerExit;
  cpu: { ticks: number; atMs: number };
}

/** Runs workers as plain processes of this host: no Docker needed. They end when their coordinator ends. */
export class ProcessEngine implements Engine {
  readonly kind = 'process';
  readonly subject = 'process';
  readonly workersOutlive = false;
  readonly #children = new Map<string, Child>();
  readonly #program: string;
  #listener: (signal: EngineSignal) => void = () => undefined;

  /** @param program absolute path of `dist/cli/main.js` */
  constructor(program: string) {
    this.#program = program;
  }

  plan(launch: Launch): LaunchPlan {
    const command = [process.execPath, ...this.#arguments(launch)].map(shellWord).join(' ');
    return { name: `${launch.writer}-${launch.attempt}`, image: null, command };
  }

  #arguments(launch: Launch): string[] {
    const bytes = launch.limits.memoryBytes;
    const heap =
      bytes === null ? [] : [`--max-old-space-size=${Math.max(HEAP_MIB_MIN, Math.floor(bytes / 2 ** 20))}`];
    return [...heap, this.#program, 'worker', '--task', launch.taskFile];
  }

  async start(launch: Launch, plan: LaunchPlan, timeoutMs: number): Promise<{ id: string }> {
    // A session of its own: Ctrl-C in the terminal reaches the coordinator alone, which then stops us in order.
    const child = spawn(process.execPath, this.#arguments(launch), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: childEnvironment({ NAS_SCANNER_PARENT: '1' }),
    });
    child.stdin.on('error', () => {
      child.stdin.destroy(); // the worker is gone; its exit says the rest
    });
    const exit: WorkerExit = { exitCode: null, signal: null, oomKilled: false, error: '', logTail: [] };
    collectTail(child.stdout, exit.logTail);
    collectTail(child.stderr, exit.logTail);
    await spawned(child, timeoutMs);
    const id = String(child.pid);
    const seen: SeenWorker = {
      id,
      name: plan.name,
      scan: launch.scan,
      chunk: launch.chunk,
      attempt: launch.attempt,
      phase: 'running',
    };
    this.#children.set(id, { process: child, seen, exit, cpu: { ticks: 0, atMs: Date.now() } });
    let lastLines: NodeJS.Timeout | undefined;
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(lastLines); // it would hold up the end of this process
      if (seen.phase === 'exited') return;
      seen.phase = 'exited';
      exit.exitCode = code ?? signalExitCode(signal);
      exit.signal = signal;
      this.#listener({ kind: 'exited', id });
    };
    // `close` comes after the last log line; it may never come when a grandchild keeps the pipes, so `exit` counts too.
    child.once('close', ended);
    child.once('exit', (code, signal) => {
      lastLines = setTimeout(ended, LAST_LINES_MS, code, signal);
    });
    if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode);
    return { id };
  }

  list(scan?: string): Promise<SeenWorker[]> {
    const own = [...this.#children.values()].map((child) => ({ ...child.seen }));
    const known = new Set(own.map((worker) => worker.id));
    const orphans = findOrphans().filter((worker) => !known.has(worker.id));
    return Promise.resolve(
      [...own, ...orphans].filter((worker) => scan === undefined || worker.scan === scan),
    );
  }

  exitOf(id: string): Promise<WorkerExit> {
    const child = this.#children.get(id);
    if (child === undefined) return Promise.reject(new EngineError('not-found', `no worker process ${id}`));
    return Promise.resolve(child.exit);
  }

  logTail(id: string): Promise<string[]> {
    return Promise.resolve(this.#children.get(id)?.exit.logTail ?? []);
  }

  usage(id: string): Promise<WorkerUsage> {
    const child = this.#children.get(id);
    const stat = processStat(id);
    if (child === undefined || stat === null) {
      return Promise.resolve({ cpuPercent: null, memoryBytes: null, memoryLimitBytes: null });
    }
    const nowMs = Date.now();
    const elapsedSeconds = Math.max(0.001, (nowMs - child.cpu.atMs) / 1000);
    const cpuPercent = ((stat.cpuTicks - child.cpu.ticks) / TICKS_PER_SECOND / elapsedSeconds) * 100;
    child.cpu = { ticks: stat.cpuTicks, atMs: nowMs };
    return Promise.resolve({
      cpuPercent: Math.round(cpuPercent * 10) / 10,
      memoryBytes: residentBytes(id),
      memoryLimitBytes: null,
    });
  }

  /** A process answers when it is there and neither stopped nor dead. */
  ping(id: string): Promise<boolean> {
    const state = processStat(id)?.state;
    return Promise.resolve(state !== undefined && !'TtZX'.includes(state));
  }

  signal(id: string, signal: 'SIGTERM' | 'SIGUSR2' | 'SIGKILL'): Promise<void> {
    if (signal !== 'SIGUSR2') restorePriority(id);
    try {
      process.kill(Number(id), signal);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') {
        return Promise.reject(new EngineError('failed', `cannot send ${signal} to process ${id}`, { cause }));
      }
    }
    return Promise.resolve();
  }

  remove(id: string): Promise<void> {
    const child = this.#children.get(id);
    child?.process.stdin?.destroy();
    child?.process.stdout?.destroy();
    child?.process.stderr?.destroy();
    child?.process.unref();
    this.#children.delete(id);
    return Promise.resolve();
  }

  watch(listener: (signal: EngineSignal) => void): void {
    this.#listener = listener;
  }

  /** Workers that still run hear of it by the end of their input, and end. */
  async close(): Promise<void> {
    this.#listener = () => undefined;
    for (const id of this.#children.keys()) await this.remove(id);
  }
}

function spawned(child: ChildProcess, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new EngineError('start-timeout', `the worker process did not start within ${timeoutMs} ms`));
    }, timeoutMs);
    child.once('spawn', () => {
      clearTimeout(timer);
      resolve();
    });
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new EngineError('start-failed', `cannot start a worker process: ${cause.message}`, { cause }));
    });
  });
}

function collectTail(stream: Readable, tail: string[]): void {
  createInterface({ input: stream }).on('line', (line) => {
    tail.push(logLine(line));
    if (tail.length > LOG_TAIL_LINES_MAX) tail.shift();
  });
}

/** What a shell shows for a process that a signal ended. */
function signalExitCode(signal: NodeJS.Signals | null): number | null {
  return signal === null ? null : 128 + constants.signals[signal];
}

/** `…/<scan>/worker-0001/task-1.json` */
const TASK_ARGUMENT = /\/([0-9A-HJKMNP-TV-Z]{26})\/worker-(\d+)\/[^/]+$/;

/** Worker processes that a coordinator left behind: they end by themselves, but may not have done so yet. */
function findOrphans(): SeenWorker[] {
  const found: SeenWorker[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = (aboutProcess(pid, 'cmdline') ?? '').split('\0');
    const at = words.indexOf('--task');
    const match = words[at - 1] === 'worker' ? TASK_ARGUMENT.exec(words[at + 1] ?? '') : null;
    if (match === null || processStat(pid)?.state === 'Z') continue;
    const [, scan = '', chunk = '0'] = match;
    found.push({
      id: pid,
      name: `worker-${chunk}`,
      scan,
      chunk: Number(chunk),
      attempt: 0,
      phase: 'running',
    });
  }
  return found;
}
