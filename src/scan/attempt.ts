import type { EventData } from '../../journal/events/index.js';
import { EngineError, type Engine, type LaunchPlan } from '../engine/port.js';
import type { SeenAttempt } from '../engine/supervisor.js';
import { failChunk } from './decide.js';
import { exitOfWorker } from './exit.js';
import { endLate, startWorker, type FailedStart } from './late-start.js';
import { prepareLaunch } from './launch.js';
import { NOT_STARTED } from './not-started.js';
import type { ChunkProgress } from './progress.js';
import type { ScanJournal } from './scan-journal.js';
import { settleAttempt, settleWriter, witness } from './settle.js';
import type { ScanSettings } from './settings.js';
import type { Chunk } from './state.js';
import { UsageWatch } from './usage-watch.js';

/** Between two `writer.progressed` of one worker: often enough to witness, seldom enough to cost nothing. */
const PROGRESSED_EVERY_MS = 5000;

export interface AttemptContext {
  journal: ScanJournal;
  engine: Engine;
  settings: ScanSettings;
  now: () => number;
  /** Workers that could take over a share right now. */
  usefulSlots: () => number;
  listSubdirectories: (directory: Buffer) => Promise<Buffer[]>;
  /** Whether the worker ended before its start was reported. Asked once. */
  hasEnded: (id: string) => boolean;
  engineLost: () => boolean;
}

/** One attempt at one chunk, from the request to the removal of its worker. */
export class Attempt {
  readonly chunk: Chunk;
  readonly number: number;
  readonly progress: ChunkProgress;
  readonly usage: UsageWatch;
  readonly #context: AttemptContext;
  #phase: SeenAttempt['phase'] = 'starting';
  #id: string | null = null;
  readonly #startedAtMs: number;
  #progressAtMs: number;
  #progressedAtMs: number;
  #stopAskedAtMs: number | null = null;
  #doneAtMs: number | null = null;
  #killedAtMs: number | null = null;
  #stopping = false;
  #polling = false;
  /** Its own records have been seen. */
  #recording = false;
  #stallReportedAtMs: number | null = null;
  #restarting = false;
  #left = false;
  #stuck = false;
  #noteExit: (error: string | null) => void = () => undefined;
  readonly #exited: Promise<string | null>;

  constructor(context: AttemptContext, chunk: Chunk, number: number, progress: ChunkProgress) {
    this.#context = context;
    this.chunk = chunk;
    this.number = number;
    this.progress = progress;
    this.usage = new UsageWatch(context.engine, context.now);
    this.#startedAtMs = this.#progressAtMs = this.#progressedAtMs = context.now();
    this.#exited = new Promise((resolve) => (this.#noteExit = resolve));
  }

  get id(): string | null {
    return this.#id;
  }

  /** Seconds since its journal last grew. */
  get secondsSinceProgress(): number {
    return Math.max(0, Math.round((this.#context.now() - this.#progressAtMs) / 100) / 10);
  }

  /** Whether it was asked to stop, which can happen at any await. */
  get isStopping(): boolean {
    return this.#stopping;
  }

  view(): SeenAttempt {
    const { journal, settings } = this.#context;
    return {
      chunk: this.chunk.id,
      phase: this.#phase,
      startedAtMs: this.#startedAtMs,
      recording: this.#recording,
      progressAtMs: this.#progressAtMs,
      stopAskedAtMs: this.#stopAskedAtMs,
      doneAtMs: this.#doneAtMs,
      killedAtMs: this.#killedAtMs,
      stallReportedAtMs: this.#stallReportedAtMs,
      roomWaitMs: journal.state.pausedBecause === null ? 0 : settings.task.fullDiskWaitMs,
      filesLeft: Math.max(0, this.chunk.estimatedFiles - this.progress.ledger.totals.files),
    };
  }

  /** Starts the worker and sees it through. Rejects only when the journal cannot be written. */
  async run(): Promise<void> {
    const { chunk, number: attempt, progress } = this;
    const launch = await prepareLaunch(this.#context, { chunk, attempt, progress });
    const plan = this.#context.engine.plan(launch);
    const { journal, engine } = this.#context;
    await journal.append(`${engine.subject}.requested`, {
      chunk: this.chunk.id,
      attempt: this.number,
      ...plan,
    });
    if (this.#stopping) {
      await journal.append(`${engine.subject}.start-failed`, {
        ...{ chunk: chunk.id, attempt, name: plan.name },
        ...NOT_STARTED.stopped,
      });
      return;
    }
    const started = await startWorker(engine, launch, plan, this.#context.settings.startTimeoutMs);
    if ('error' in started) {
      await this.#startFailed(plan, started);
      return;
    }
    this.#id = started.id;
    const { name } = plan;
    await journal.append(`${engine.subject}.started`, {
      chunk: this.chunk.id,
      attempt: this.number,
      name,
      id: this.#id,
    });
    this.#phase = 'running';
    if (this.#context.hasEnded(this.#id)) this.exited();
    else if (this.isStopping) await this.stop();
    await this.#seeThrough(name, this.#id);
  }

  /** Takes over a worker that an earlier coordinator started. */
  async adopt(id: string, name: string): Promise<void> {
    this.#id = id;
    this.#phase = 'running';
    const { id: chunk } = this.chunk;
    await this.#context.journal.append('container.adopted', { chunk, attempt: this.number, name, id });
    await this.#seeThrough(name, id);
  }

  async #startFailed(plan: LaunchPlan, { error, late }: FailedStart): Promise<void> {
    const { journal, engine, settings } = this.#context;
    const reason = error instanceof EngineError ? error.code : 'failed';
    const detail = error instanceof Error ? error.message : String(error);
    const { name } = plan;
    const attempt = this.number;
    const { id: chunk } = this.chunk;
    await journal.append(`${engine.subject}.start-failed`, { chunk, attempt, name, reason, detail });
    const { scan } = settings;
    const isStopping = (): boolean => this.#stopping;
    if (late !== null) await endLate({ journal, engine, scan, isStopping }, late, { chunk, attempt, name });
    await this.progress.readToEnd();
    await settleWriter(journal, this.progress);
    await journal.append(
      'chunk.failed',
      failChunk(this.#now(), attempt, `could not start: ${detail}`, settings.retries),
    );
  }

  /** The chunk as the state has it by now. */
  #now(): Chunk {
    return this.#context.journal.state.chunks.get(this.chunk.id) ?? this.chunk;
  }

  async #seeThrough(name: string, id: string): Promise<void> {
    const gone = await this.#exited;
    this.#phase = 'ended';
    const { journal, engine, engineLost } = this.#context;
    const isLeft = (): boolean => this.#left;
    const exit = await exitOfWorker({ engine, id, gone, isStuck: this.#stuck, isLeft, engineLost });
    if (exit === null) return;
    const { exitCode, oomKilled, error, logTail } = exit;
    const chunk = this.chunk.id;
    const record = { chunk, attempt: this.number, name, id, exitCode, oomKilled, error, logTail };
    await journal.append(`${engine.subject}.exited`, {
      ...record,
      lastUsage: this.usage.last,
      ...(exit.signal === null ? {} : { signal: exit.signal }),
    });
    await this.progress.readToEnd();
    await settleAttempt(this.#context, {
      chunk: this.#now(),
      attempt: this.number,
      progress: this.progress,
      exit,
      stopped: this.#stopping && !this.#restarting,
      restarted: this.#restarting,
      stuck: this.#stuck,
      filesLeft: this.view().filesLeft,
    });
    // The engine could only wait for it, too. `cleanup` removes it once its mount is back, and diagnosis names it.
    if (!this.#stuck) await this.#remove(name, id);
  }

  async #remove(name: string, id: string): Promise<void> {
    const { engine, journal } = this.#context;
    try {
      await engine.remove(id);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code !== 'not-found') return; // `cleanup` sweeps it later, and diagnosis names what was not removed
    }
    await journal.append(`${engine.subject}.removed`, { name, id });
  }

  /** The engine (or a look at its list) says that the worker has ended. @param gone why its exit is unknown */
  exited(gone: string | null = null): void {
    this.#noteExit(gone);
  }

  /**
   * Lets it be, with no word in the journal: the scan ends while the engine is away. The next coordinator finds the
   * worker as it would after our own sudden death.
   */
  leave(): void {
    this.#left = true;
    this.#noteExit(null);
  }

  /** A process of it is stuck in the kernel, most likely in a dead mount, and survives even SIGKILL. */
  abandon(): void {
    this.#stuck = true;
    this.#noteExit(null);
  }

  /** Reads what is newly proven. */
  async poll(): Promise<void> {
    if (this.#phase === 'ended' || this.#polling) return;
    this.#polling = true;
    const grown = await this.progress.poll().finally(() => (this.#polling = false));
    if (!grown) return;
    const nowMs = this.#context.now();
    this.#progressAtMs = nowMs;
    this.#recording = true;
    if (this.progress.sealed && this.progress.scanned?.attempt === this.number) this.#doneAtMs ??= nowMs;
    if (nowMs - this.#progressedAtMs < PROGRESSED_EVERY_MS) return;
    this.#progressedAtMs = nowMs;
    await witness(this.#context.journal, this.progress);
  }

  /** Asks the worker to flush, seal and end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopAskedAtMs ??= this.#context.now();
    await this.#ask('SIGTERM');
  }

  /** Asks the worker to give away what it has not begun. */
  async share(): Promise<void> {
    await this.#ask('SIGUSR2');
  }

  async #ask(signal: 'SIGTERM' | 'SIGUSR2'): Promise<void> {
    if (this.#id === null || this.#phase === 'ended') return;
    this.#phase = 'leaving';
    await this.#signal(signal);
  }

  async kill(): Promise<void> {
    this.#killedAtMs = this.#context.now();
    await this.#signal('SIGKILL');
  }

  async #signal(signal: 'SIGTERM' | 'SIGUSR2' | 'SIGKILL'): Promise<void> {
    try {
      if (this.#id !== null) await this.#context.engine.signal(this.#id, signal);
    } catch (error) {
      // It may have ended just now, or the engine is away: the next look at the engine's list tells.
      if (!(error instanceof EngineError)) throw error;
    }
  }

  async reportStall(data: EventData<'stall.detected'>): Promise<void> {
    this.#stallReportedAtMs = this.#context.now();
    await this.#context.journal.append('stall.detected', data);
    if (data.action !== 'restart') return;
    this.#restarting = true;
    await this.stop();
  }
}
