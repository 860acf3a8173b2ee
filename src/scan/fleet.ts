import { EngineError, type Engine, type EngineSignal, type SeenWorker } from '../engine/port.js';
import { usefulIdle, type Step, type WaitingChunk } from '../engine/supervisor.js';
import { Attempt, type AttemptContext } from './attempt.js';
import { HealthRounds } from './health-check.js';
import type { DiskPause } from './disk-pause.js';
import { tellNotStarted } from './not-started.js';
import type { RecordObserver } from './observer.js';
import { ProgressBook } from './progress-book.js';
import { reopenDamaged } from './reopen.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';
import type { StartedContainer } from './state.js';
import { sweepWorker } from './sweep.js';

/** How often what runs is compared with the engine's list: events can be lost. */
const RECONCILE_EVERY_MS = 10_000;
const RETRY_PAUSE_MS = 500;
const RETRY_PAUSE_MAX_MS = 30_000;

export interface FleetOptions {
  journal: ScanJournal;
  engine: Engine;
  settings: ScanSettings;
  observer: RecordObserver;
  diskPause: DiskPause;
  listSubdirectories: (directory: Buffer) => Promise<Buffer[]>;
  now: () => number;
  /** Lets work run beside the loop; its error ends the scan. */
  track: (work: Promise<void>) => void;
  /** Something changed that the loop should look at now. */
  wake: () => void;
}

/** The attempts under way: starts them, hears of their ends, takes over what an earlier coordinator left. */
export class Fleet {
  readonly progress: ProgressBook;
  readonly #options: FleetOptions;
  readonly #attempts = new Map<number, Attempt>();
  readonly #notBeforeMs = new Map<number, number>();
  /** Workers that ended before their start was even reported. */
  readonly #endedEarly = new Set<string>();
  /** Workers that not even SIGKILL ended: nothing of them waits for anything here. */
  readonly #stuck = new Set<string>();
  readonly #sweeping = new Set<string>();
  readonly #health: HealthRounds;
  readonly #context: AttemptContext;
  #engineLostAtMs: number | null = null;
  /** Workers were left to whoever scans next: what the engine still shows of them stays. */
  #left = false;
  #lastEndedAtMs: number | null = null;
  #reconciledAtMs: number;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.progress = new ProgressBook(options);
    this.#reconciledAtMs = options.now();
    const { journal, engine, settings, now } = options;
    this.#health = new HealthRounds({ journal, engine, settings });
    this.#context = {
      journal,
      engine,
      settings,
      now,
      usefulSlots: () => this.#usefulSlots(),
      hasEnded: (id) => this.#endedEarly.delete(id),
      engineLost: () => this.engineLost,
      listSubdirectories: (directory) => options.listSubdirectories(directory),
    };
  }

  get attempts(): readonly Attempt[] {
    return [...this.#attempts.values()];
  }

  get lastEndedAtMs(): number | null {
    return this.#lastEndedAtMs;
  }

  get engineLost(): boolean {
    return this.#engineLostAtMs !== null;
  }

  /** For how long the engine has been away; 0: it answers. */
  engineLostMs(nowMs: number): number {
    return this.#engineLostAtMs === null ? 0 : nowMs - this.#engineLostAtMs;
  }

  /** Hears the engine from now on. */
  watch(): void {
    this.#options.engine.watch((signal) => {
      if (signal.kind === 'exited') this.#exited(signal.id);
      else this.#options.track(this.#engineChanged(signal));
    });
  }

  waiting(): WaitingChunk[] {
    const waiting: WaitingChunk[] = [];
    for (const chunk of this.#options.journal.state.chunks.values()) {
      if (chunk.status !== 'planned' || this.#attempts.has(chunk.id)) continue;
      const { id, estimatedFiles, estimatedBytes } = chunk;
      waiting.push({ id, estimatedFiles, estimatedBytes, notBeforeMs: this.#notBeforeMs.get(id) ?? 0 });
    }
    return waiting;
  }

  idleSlots(): number {
    const { workersMax } = this.#options.settings.supervision;
    return Math.max(0, workersMax - this.#attempts.size - this.waiting().length);
  }

  #usefulSlots(): number {
    const { workersMax, usefulWorkers = workersMax } = this.#options.settings.supervision;
    return usefulIdle(this.idleSlots(), workersMax, usefulWorkers);
  }

  execute(step: Step): void {
    const { track } = this.#options;
    if (step.kind === 'launch') {
      this.#launch(step.chunk);
      return;
    }
    const attempt = this.#attempts.get(step.chunk);
    if (attempt === undefined) return;
    if (step.kind === 'split') track(attempt.share());
    else if (step.kind === 'kill') track(attempt.kill());
    else if (step.kind === 'abandon') this.#abandon(attempt);
    else if (step.kind === 'leave') this.#leave(attempt);
    else {
      const { chunk, secondsSinceProgress, action } = step;
      track(attempt.reportStall({ chunk, attempt: attempt.number, secondsSinceProgress, action }));
    }
  }

  #leave(attempt: Attempt): void {
    this.#left = true;
    attempt.leave();
  }

  #abandon(attempt: Attempt): void {
    if (attempt.id !== null) this.#stuck.add(attempt.id);
    attempt.abandon();
  }

  /** Looks at what is due: journals, health, and now and then at the engine's list. */
  look(nowMs: number): void {
    const { track } = this.#options;
    const asks = !this.engineLost; // it says itself when it is back, and that comes first in the journal
    for (const attempt of this.#attempts.values()) {
      track(attempt.poll());
      if (asks) track(attempt.usage.look(attempt.id));
      track(this.#health.look(attempt, nowMs));
    }
    if (asks && nowMs - this.#reconciledAtMs >= RECONCILE_EVERY_MS) track(this.#reconcile());
  }

  #launch(id: number): void {
    const chunk = this.#options.journal.state.chunks.get(id);
    if (chunk === undefined) return;
    const { diskPause } = this.#options;
    const progress = this.progress.of(id);
    progress.paused = null; // an earlier attempt's
    const attempt = new Attempt(this.#context, chunk, chunk.attempts + 1, progress);
    const run = attempt.run().catch((error: unknown) => {
      diskPause.startFailed(error);
    });
    this.#supervise(attempt, run);
  }

  /** Keeps the attempt in sight until its last event is on disk. */
  #supervise(attempt: Attempt, run: Promise<void>): void {
    const { journal, track, now, wake } = this.#options;
    const { id } = attempt.chunk;
    this.#attempts.set(id, attempt);
    track(
      run.finally(() => {
        this.#attempts.delete(id);
        this.#lastEndedAtMs = now();
        const failures = journal.state.chunks.get(id)?.failures ?? 0;
        const pauseMs = Math.min(RETRY_PAUSE_MAX_MS, RETRY_PAUSE_MS * 2 ** Math.max(0, failures - 1));
        this.#notBeforeMs.set(id, now() + pauseMs);
        wake();
      }),
    );
  }

  /** What an earlier coordinator left running: adopted where it belongs to this scan's plan, else ended. */
  async takeOver(): Promise<void> {
    const { engine, settings, journal } = this.#options;
    const workers = await engine.list(settings.scan).catch(nullOnEngineError);
    for (const worker of workers ?? []) {
      const chunk = journal.state.chunks.get(worker.chunk);
      const open = chunk?.status === 'running' || chunk?.status === 'planned';
      const isOurs =
        chunk !== undefined && open && chunk.attempts === worker.attempt && engine.workersOutlive;
      // One that was only made never begins by itself.
      if (isOurs && worker.phase !== 'created') {
        const attempt = new Attempt(this.#context, chunk, worker.attempt, this.progress.of(chunk.id));
        this.#supervise(attempt, attempt.adopt(worker.id, worker.name));
        if (worker.phase === 'exited') attempt.exited();
      } else await this.#sweep(worker);
    }
    if (workers !== null) await tellNotStarted(journal, engine, (chunk) => this.#attempts.has(chunk));
    const gone = workers === null || !engine.workersOutlive ? [] : await this.#tellGone(workers);
    await reopenDamaged(journal, settings);
    for (const chunk of journal.state.chunks.values()) {
      if (chunk.status === 'completed' || chunk.attempts === 0 || this.#attempts.has(chunk.id)) continue;
      const isGone = gone.some(({ chunk: id, attempt }) => id === chunk.id && attempt === chunk.attempts);
      await this.progress.close(chunk.id, isGone && chunk.status === 'planned' ? chunk.attempts : null);
    }
  }

  /** Containers whose end no coordinator saw, and that are not there any more: how they ended, nobody knows. */
  async #tellGone(workers: readonly SeenWorker[]): Promise<StartedContainer[]> {
    const { journal } = this.#options;
    const there = new Set(workers.map(({ id }) => id));
    const gone = [...journal.state.containers].filter(([id, { exited }]) => !exited && !there.has(id));
    for (const [id, { name, chunk, attempt }] of gone) {
      await journal.append('container.exited', {
        ...{ chunk, attempt, name, id, exitCode: null, oomKilled: false, logTail: [] },
        error: 'the container is gone: somebody removed it while no coordinator ran',
      });
    }
    return gone.map(([, container]) => container);
  }

  async #sweep(worker: SeenWorker): Promise<void> {
    if (this.#stuck.has(worker.id) || this.#sweeping.has(worker.id)) return;
    this.#sweeping.add(worker.id);
    try {
      await sweepWorker(this.#options, worker);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error; // `cleanup` sweeps what cannot be removed now
    } finally {
      this.#sweeping.delete(worker.id);
    }
  }

  /** Before the scan's last word: removes what could not be removed in its time, as when the daemon restarted. */
  async tidy(): Promise<void> {
    const { engine, settings } = this.#options;
    if (!engine.workersOutlive || this.engineLost || this.#left) return;
    for (const worker of (await engine.list(settings.scan).catch(nullOnEngineError)) ?? [])
      await this.#sweep(worker);
  }

  #exited(id: string): void {
    const attempt = this.attempts.find((each) => each.id === id);
    if (attempt === undefined) this.#endedEarly.add(id);
    else attempt.exited();
  }

  async #engineChanged(signal: Exclude<EngineSignal, { kind: 'exited' }>): Promise<void> {
    const { journal, wake, now } = this.#options;
    this.#engineLostAtMs = signal.kind === 'lost' ? now() : null;
    if (signal.kind === 'lost') await journal.append('docker.lost', { detail: signal.detail });
    else {
      await journal.append('docker.regained', { seconds: signal.seconds });
      await this.#reconcile();
    }
    wake();
  }

  /** Compares what should run with what the engine shows. */
  async #reconcile(): Promise<void> {
    if (this.#left) return;
    const { engine, settings, now } = this.#options;
    this.#reconciledAtMs = now();
    const running = this.attempts.filter((attempt) => attempt.id !== null);
    let workers: SeenWorker[];
    try {
      workers = await engine.list(settings.scan);
    } catch (error) {
      if (error instanceof EngineError) return; // it does not answer: nothing can be concluded
      throw error;
    }
    const byId = new Map(workers.map((worker) => [worker.id, worker]));
    for (const attempt of running) {
      const worker = byId.get(attempt.id ?? '');
      if (worker === undefined)
        attempt.exited(`the ${engine.subject} is gone: someone or something removed it`);
      else if (worker.phase === 'exited') attempt.exited();
    }
    if (!engine.workersOutlive) return;
    for (const worker of workers) {
      const attempt = this.#attempts.get(worker.chunk);
      // One that is being started has no id yet; what an earlier start left behind has another attempt's number.
      const known = attempt?.id === worker.id || (attempt?.id === null && attempt.number === worker.attempt);
      if (worker.chunk > 0 && !known) await this.#sweep(worker);
    }
  }
}

function nullOnEngineError(error: unknown): null {
  if (error instanceof EngineError) return null;
  throw error;
}
