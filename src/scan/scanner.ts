import type { EventData } from '../../journal/events/index.js';
import type { Engine } from '../engine/port.js';
import { nextSteps } from '../engine/supervisor.js';
import { inRecords } from '../plan/roots.js';
import type { Attempt } from './attempt.js';
import { uncoveredRoots } from './coverage.js';
import { completeScan, planChunk } from './decide.js';
import { Fleet } from './fleet.js';
import { reopenGaps } from './gaps.js';
import type { PlanningStep, ScannerOptions } from './scanner-options.js';
import { NO_TOTALS, type Totals } from './state.js';

/** How often the supervisor looks even when nothing wakes it. */
const TICK_MS = 100;
/** Directories that keep appearing while the scan ends are left to the next scan after so many rounds. */
const LATECOMER_ROUNDS_MAX = 3;

/** How a run ended: its last word is in the journal. */
export type ScanEnd = 'completed' | 'preflight-failed' | 'interrupted';

/** Runs one scan: plans chunks, has them scanned, and says how it ended. All that happens is in the journal. */
export class Scanner {
  readonly #options: ScannerOptions;
  #fleet: Fleet | null = null;
  readonly #stop = new AbortController();
  readonly #interruption = new AbortController();
  readonly #now: () => number;
  readonly #startedAtMs: number;
  #attemptsBefore = 0;
  #planning = true;
  #stopping: NodeJS.Signals | null = null;
  #hasEnded = false;
  #engineGivenUp = false;
  #failure: { error: unknown } | null = null;
  #wake: () => void = () => undefined;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#startedAtMs = this.#now();
  }

  #openFleet(engine: Engine): Fleet {
    const { journal, settings, observer, diskPause, listSubdirectories } = this.#options;
    return new Fleet({
      journal,
      engine,
      settings,
      observer,
      diskPause,
      listSubdirectories,
      now: this.#now,
      track: (work) => {
        this.#track(work);
      },
      wake: () => {
        this.#wake();
      },
    });
  }

  /** Resolves when the scan has said its last word. @throws JournalError when it cannot be written any more */
  async run(): Promise<ScanEnd> {
    const { journal, settings, engine } = this.#options;
    const passed = await this.#preflight();
    if (this.#stopping !== null) return 'interrupted';
    if (!passed || engine === null) {
      await this.#end(completeScan(journal.state, NO_TOTALS, false));
      return 'preflight-failed';
    }
    const fleet = (this.#fleet = this.#openFleet(engine));
    fleet.watch();
    await fleet.takeOver();
    this.#track(this.#plan(fleet));
    await this.#superviseAll(fleet);
    for (let round = 0; round < LATECOMER_ROUNDS_MAX && (await this.#planLatecomers()); round += 1) {
      await this.#superviseAll(fleet);
    }
    if (!this.#isEnding() && (await reopenGaps(journal, settings, fleet.progress)))
      await this.#superviseAll(fleet);
    await fleet.tidy();
    if (this.interruptedBy !== null) return 'interrupted';
    const lastWord = await fleet.progress.lastWord();
    // Adding up may take a while, in which the scan can still be stopped.
    if (this.interruption.aborted) return 'interrupted';
    await this.#end(lastWord);
    return 'completed';
  }

  /** From here on nothing stops the scan any more: who is told to stop has only the rest to leave. */
  async #end(lastWord: EventData<'scan.completed'>): Promise<void> {
    this.#hasEnded = true;
    await this.#options.journal.append('scan.completed', lastWord);
  }

  /** Attempts under way, for whoever shows them. */
  get attempts(): readonly Attempt[] {
    return this.#fleet?.attempts ?? [];
  }

  /** What chunks hold that did not complete. */
  partialTotals(): Totals {
    return this.#fleet?.progress.partialCounts().totals ?? NO_TOTALS;
  }

  /** The signal that stops the scan, null while none does. */
  get interruptedBy(): NodeJS.Signals | null {
    return this.#stopping;
  }

  /** Aborts with the first signal. */
  get interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Stops in order: workers flush and seal, the journal says so, unless the scan has said its last word already. */
  interrupt(signal: NodeJS.Signals): void {
    if (this.#stopping !== null) return;
    this.#stopping = signal;
    this.#stop.abort();
    this.#interruption.abort();
    if (!this.#hasEnded) this.#track(this.#options.journal.append('scan.interrupted', { signal }));
    this.#options.diskPause.endWait();
    for (const attempt of this.attempts) this.#track(attempt.stop());
    this.#wake();
  }

  /**
   * After an error, most likely of the journal itself: workers flush and seal. What becomes of them can not be
   * journaled any more, so they are left to the next coordinator.
   */
  async abort(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.attempts.map((attempt) => attempt.stop()));
  }

  /** Stops at once. */
  async kill(): Promise<void> {
    await Promise.allSettled(this.attempts.map((attempt) => attempt.kill()));
  }

  async #preflight(): Promise<boolean> {
    let passed = true;
    for await (const { fatal, ...check } of this.#options.preflight(this.#stop.signal)) {
      if (this.interruptedBy !== null) return false;
      await this.#options.journal.append('preflight.checked', check);
      if (fatal && !check.ok) passed = false;
    }
    return passed;
  }

  /** Until nothing runs and nothing waits. */
  async #superviseAll(fleet: Fleet): Promise<void> {
    while (!this.#finished(fleet)) {
      this.#tick(fleet);
      await this.#sleep();
      if (this.#failure !== null) throw this.#failure.error;
    }
    this.#lookForRoom(fleet); // the last worker may have gone on and ended between two looks
  }

  #lookForRoom(fleet: Fleet): void {
    this.#options.diskPause.look(
      fleet.attempts.map(({ progress }) => progress),
      this.#now(),
    );
  }

  #finished(fleet: Fleet): boolean {
    if (fleet.attempts.length > 0) return false;
    if (this.#isEnding()) return true;
    return !this.#planning && fleet.waiting().length === 0;
  }

  /** No more is begun: the scan is stopped, or has waited long enough for room or the engine; the next run goes on. */
  #isEnding(): boolean {
    const nowMs = this.#now();
    const isOver =
      this.#stopping !== null || this.#givesUpEngine(nowMs) || this.#options.diskPause.isOver(nowMs);
    if (isOver) this.#stop.abort();
    return isOver;
  }

  /** Once and for all: what was left to the next run is not taken up again when the engine comes back after all. */
  #givesUpEngine(nowMs: number): boolean {
    const { engineWaitMs } = this.#options.settings.supervision;
    this.#engineGivenUp ||= (this.#fleet?.engineLostMs(nowMs) ?? 0) > engineWaitMs;
    return this.#engineGivenUp;
  }

  #tick(fleet: Fleet): void {
    const nowMs = this.#now();
    this.#lookForRoom(fleet);
    const seen = {
      attempts: fleet.attempts.map((attempt) => attempt.view()),
      scanStartedAtMs: this.#startedAtMs,
      lastEndedAtMs: fleet.lastEndedAtMs,
      waiting: fleet.waiting(),
      planned: !this.#planning,
      stopping: this.#stopping !== null,
      paused: this.#options.diskPause.holds,
      engineLost: fleet.engineLost,
      engineGivenUp: this.#givesUpEngine(nowMs),
    };
    for (const step of nextSteps(seen, nowMs, this.#options.settings.supervision)) fleet.execute(step);
    this.#lookForEnd(fleet);
    fleet.look(nowMs);
  }

  /** Where workers end and none begins, the scan may soon ask what is in no chunk. */
  #lookForEnd(fleet: Fleet): void {
    const { length } = fleet.attempts;
    if (length < this.#attemptsBefore && !this.#planning && fleet.waiting().length === 0)
      this.#options.prepareListing?.();
    this.#attemptsBefore = length;
  }

  async #plan(fleet: Fleet): Promise<void> {
    const { journal, plan } = this.#options;
    if (!journal.state.planned) {
      if (journal.state.chunks.size > 0) await this.#planLatecomers();
      else {
        const { signal } = this.#stop;
        const steps = plan(
          () => fleet.idleSlots(),
          signal,
          () => fleet.progress.directoriesListed,
        );
        for await (const step of steps) await this.#planned(step);
      }
      if (!this.#isEnding()) await journal.append('plan.finished', { chunks: journal.state.chunks.size });
    }
    this.#planning = false;
    this.#wake();
  }

  async #planned(step: PlanningStep): Promise<void> {
    const { journal } = this.#options;
    if (this.#isEnding()) return;
    if (step.type !== 'chunk') {
      // A union of types does not tell `append` that type and data belong together.
      await (step.type === 'analysis.started'
        ? journal.append(step.type, step.data)
        : journal.append(step.type, step.data));
      return;
    }
    const { roots, reason, estimatedFiles, estimatedBytes } = step;
    await journal.append(
      'chunk.planned',
      planChunk(journal.state, { roots, reason, estimatedFiles, estimatedBytes }),
    );
    this.#wake();
  }

  /** Plans what is in no chunk: the rest of an interrupted plan, or directories that appeared since. */
  async #planLatecomers(): Promise<boolean> {
    if (this.#isEnding()) return false;
    const { journal, settings, listSubdirectories } = this.#options;
    const planned = [...journal.state.chunks.values()].flatMap((chunk) => chunk.roots);
    const roots = await uncoveredRoots(Buffer.from(settings.mountPath), planned, (directory) =>
      listSubdirectories(directory, this.#stop.signal),
    );
    for (const some of inRecords(roots, (root) => root))
      await this.#planned({
        type: 'chunk',
        roots: some,
        reason: 'leaf',
        estimatedFiles: 0,
        estimatedBytes: 0,
      });
    return roots.length > 0;
  }

  /** Lets it run, and ends the scan with its error should it fail. */
  #track(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#failure ??= { error };
      this.#wake();
    });
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, TICK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
