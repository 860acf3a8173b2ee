/** What one worker may use of the host. */
export interface WorkerLimits {
  /** CPU cores, fractions allowed; null: no limit. */
  cpus: number | null;
  memoryBytes: number | null;
}

/** One attempt at one chunk, as the engine has to start it. */
export interface Launch {
  scan: string;
  chunk: number;
  attempt: number;
  /** `worker-NNNN`: the journal's writer. */
  writer: string;
  /** Absolute folder of this writer's segments; it holds the task file. The only place a worker may write to. */
  writerDir: string;
  /** Absolute; where the coordinator wrote the task (see worker/task.ts). */
  taskFile: string;
  mountPath: string;
  limits: WorkerLimits;
}

/** How a launch looks before it happens: goes into `…requested`. */
export interface LaunchPlan {
  name: string;
  image: string | null;
  /** A line a person can paste to do the same by hand. */
  command: string;
}

/** A worker of ours as the engine shows it now. */
export interface SeenWorker {
  id: string;
  name: string;
  scan: string;
  chunk: number;
  attempt: number;
  phase: 'created' | 'running' | 'exited';
}

export interface WorkerExit {
  /** null where nobody can tell any more (it was removed by someone else, or the host went down). */
  exitCode: number | null;
  signal: string | null;
  oomKilled: boolean;
  /** The engine's own words, `''` where it has none. */
  error: string;
  /** At most LOG_TAIL_LINES_MAX lines. */
  logTail: string[];
}

export interface WorkerUsage {
  cpuPercent: number | null;
  memoryBytes: number | null;
  memoryLimitBytes: number | null;
}

export type EngineErrorCode =
  | 'unreachable'
  | 'image-missing'
  | 'start-failed'
  | 'start-timeout'
  | 'disk-full'
  | 'path-untranslatable'
  | 'not-found'
  | 'failed';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly hint: string | undefined;

  constructor(code: EngineErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** Something an engine noticed by itself. */
export type EngineSignal =
  { kind: 'exited'; id: string } | { kind: 'lost'; detail: string } | { kind: 'regained'; seconds: number };

/** What a start that was given up comes to, within a bound of its own: a worker after all; null: nothing, for certain. */
export type LateStart = Promise<{ id: string } | null>;

/**
 * Starts and watches workers. One implementation per way of running them; the scanner knows only this.
 * Every call ends within a bound of its own or rejects with EngineError.
 */
export interface Engine {
  readonly kind: 'docker' | 'process';
  /** Prefix of the attempt's events. */
  readonly subject: 'container' | 'process';
  /** Whether workers outlive their coordinator and can be adopted by the next one. */
  readonly workersOutlive: boolean;
  plan(launch: Launch): LaunchPlan;
  /**
   * Starts and verifies; resolves with the id once the worker runs (or has already run to its end).
   * @param onLate takes over a start that took too long, before that is thrown; without it the engine ends what comes of it
   */
  start(
    launch: Launch,
    plan: LaunchPlan,
    timeoutMs: number,
    onLate?: (late: LateStart) => void,
  ): Promise<{ id: string }>;
  /** All workers of ours, of one scan or of any. */
  list(scan?: string): Promise<SeenWorker[]>;
  /** Valid once the worker has exited and until it is removed. */
  exitOf(id: string): Promise<WorkerExit>;
  /** The last lines a worker wrote, at most LOG_TAIL_LINES_MAX: valid while it runs, too. */
  logTail(id: string): Promise<string[]>;
  usage(id: string): Promise<WorkerUsage>;
  /** Whether the worker still answers. */
  ping(id: string, timeoutMs: number): Promise<boolean>;
  /** `SIGTERM`: stop; `SIGUSR2`: yield what is not begun; `SIGKILL`: now. */
  signal(id: string, signal: 'SIGTERM' | 'SIGUSR2' | 'SIGKILL'): Promise<void>;
  remove(id: string): Promise<void>;
  /** Calls back from now on, until `close`. */
  watch(listener: (signal: EngineSignal) => void): void;
  close(): Promise<void>;
}
