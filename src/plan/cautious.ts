import { availableParallelism } from 'node:os';
import type { ChunkReason } from '../../journal/events/index.js';
import { usefulIdle } from '../engine/supervisor.js';
import { nameForJournal } from '../walk/names.js';
import { looseFiles, spread, subtree, type Piece } from './chunks.js';
import { PlanError } from './errors.js';
import type { Measuring } from './measuring.js';
import type { PlanOptions, PlanStep } from './options.js';
import { topLevel } from './top-level.js';
import { Turns } from './turns.js';

/** Workers wait so long for directories that have not answered yet, before they begin with those that have. */
const PATIENCE_MS = 60;
/** The others wait no longer than this for the mount's own files to be recorded. */
const ROOT_FIRST_MS_MAX = 5000;
/** What takes longer to open and read once is better alone, and no worker need wait to learn more about it. */
const PROBE_MS_MAX = 5000;
/** Of the top-level directories this part is given to the first worker, before any is known to answer. */
const FIRST_CHUNK_PART = 4;
const LOOK_EVERY_MS = 20;

type Outcome = 'answered' | 'failed' | 'timed-out';

/** A top-level directory that is being opened and read once. */
class Probe {
  readonly path: string;
  readonly startedAtMs = performance.now();
  outcome: Outcome | null = null;

  constructor(path: string) {
    this.path = path;
  }

  get seconds(): number {
    return (performance.now() - this.startedAtMs) / 1000;
  }
}

/**
 * Plans a scan of a file system that may hang. While one lookup hangs in a directory, the kernel may hold up all other
 * lookups in it, and its listing, whoever asks for them (with FUSE it does). So nothing is touched below a directory
 * that has not been recorded: the mount's own files come first, with a few of its directories for the time after; then
 * each other top-level directory is opened and read once, no deeper. What answers is handed out (`leaf`) and split later where that pays;
 * what does not answer in time shares one chunk, apart from all others (`fallback`).
 */
export async function* planCautiously(options: PlanOptions, measuring: Measuring): AsyncGenerator<PlanStep> {
  const { mountPath, fastStart, slots } = options;
  await measuring.ready;
  const directories = await topLevel(measuring, options);
  if (options.signal.aborted) return;
  if (directories === null) {
    const directory = nameForJournal(mountPath);
    yield { type: 'analysis.started', data: { directory } };
    yield finished(mountPath, 'failed', 0);
    yield* chunks([subtree(mountPath)], 1, 'fallback');
    return;
  }
  // Its worker goes on with these once it has listed the mount, so that nothing stands still meanwhile.
  const first = directories.splice(0, Math.ceil(directories.length / FIRST_CHUNK_PART));
  const pieces = [looseFiles(mountPath), ...first.map((path) => subtree(path))];
  yield* chunks(pieces, 1, fastStart ? 'fast-start' : 'leaf');
  if (directories.length === 0) return;
  await rootRecorded(options);
  if (fastStart) {
    yield* chunks(
      directories.map((path) => subtree(path)),
      slots,
      'fast-start',
    );
    return;
  }
  yield* new Probing(options, measuring, directories).run();
}

function* chunks(pieces: readonly Piece[], chunksMax: number, reason: ChunkReason): Generator<PlanStep> {
  for (const chunk of spread(pieces, chunksMax, reason)) yield { type: 'chunk', ...chunk };
}

/** Until the worker that has the mount's own files is done with them. They come before all else in its chunk. */
async function rootRecorded(options: PlanOptions): Promise<void> {
  const { slots, ioTimeoutMs, signal } = options;
  const untilMs = performance.now() + Math.min(ROOT_FIRST_MS_MAX, ioTimeoutMs);
  const isRecorded = (): boolean => (options.directoriesListed?.() ?? 0) > 0 || options.idleSlots() >= slots;
  while (!isRecorded() && performance.now() < untilMs && !signal.aborted) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

class Probing {
  readonly #options: PlanOptions;
  readonly #measuring: Measuring;
  readonly #waiting: string[];
  readonly #open = new Set<Probe>();
  readonly #turns: Turns;

  constructor(options: PlanOptions, measuring: Measuring, directories: readonly string[]) {
    this.#options = options;
    this.#measuring = measuring;
    this.#waiting = [...directories];
    this.#turns = new Turns(measuring.atOnce);
  }

  async *run(): AsyncGenerator<PlanStep> {
    for (const path of this.#waiting) {
      yield { type: 'analysis.started', data: { directory: nameForJournal(path) } };
      this.#probe(path);
    }
    const patientUntilMs = performance.now() + PATIENCE_MS;
    while (this.#open.size > 0 && !this.#options.signal.aborted) {
      await pause();
      const all = [...this.#open];
      const some = (wanted: Outcome): Probe[] => all.filter(({ outcome }) => outcome === wanted);
      const answered = some('answered');
      const patient = performance.now() < patientUntilMs && all.some(({ outcome }) => outcome === null);
      if (answered.length > 0 && !patient) yield* this.#handOut(answered);
      yield* this.#fallback(some('failed'), 'failed');
      // One that hangs holds up those behind it, so no more time is spent on each of them.
      if (some('timed-out').length > 0) {
        yield* this.#fallback(
          [...this.#open].filter(({ outcome }) => outcome !== 'answered'),
          'timed-out',
        );
      }
    }
  }

  #probe(path: string): void {
    const probe = new Probe(path);
    this.#open.add(probe);
    const { analysisTimeoutMs, ioTimeoutMs } = this.#options;
    void this.#turns.take(true).then(() => {
      const timeoutMs = Math.min(PROBE_MS_MAX, analysisTimeoutMs, ioTimeoutMs);
      const timer = setTimeout(() => (probe.outcome ??= 'timed-out'), timeoutMs);
      const end = (outcome: Outcome): void => {
        clearTimeout(timer);
        probe.outcome ??= outcome;
        this.#turns.give();
      };
      this.#measuring
        .measure(path, true, () => true)
        .then(
          () => end('answered'),
          (error: unknown) => end(error instanceof PlanError ? 'failed' : 'timed-out'),
        );
    });
  }

  *#handOut(probes: readonly Probe[]): Generator<PlanStep> {
    const pieces: Piece[] = [];
    for (const probe of probes) {
      this.#open.delete(probe);
      const known = this.#options.history?.of(probe.path);
      pieces.push({ ...subtree(probe.path), ...(known && { files: known.files, bytes: known.bytes }) });
    }
    const { slots } = this.#options;
    const useful = usefulIdle(this.#options.idleSlots(), slots, availableParallelism());
    yield* chunks(pieces, Math.max(1, useful), 'leaf');
    for (const probe of probes) yield finished(probe.path, 'skipped', probe.seconds);
  }

  *#fallback(probes: readonly Probe[], outcome: 'failed' | 'timed-out'): Generator<PlanStep> {
    for (const probe of probes) {
      this.#open.delete(probe);
      yield finished(probe.path, outcome, probe.seconds);
    }
    const pieces = probes.map(({ path }) => subtree(path));
    yield* chunks(pieces, 1, 'fallback');
  }
}

function finished(path: string, outcome: 'failed' | 'skipped' | 'timed-out', seconds: number): PlanStep {
  const directory = nameForJournal(path);
  return { type: 'analysis.finished', data: { directory, outcome, files: 0, bytes: 0, seconds } };
}
