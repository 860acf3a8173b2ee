import { availableParallelism } from 'node:os';
import { bigCountOf } from '../../journal/big-count.js';
import { usefulIdle } from '../engine/supervisor.js';
import { nameForJournal } from '../walk/names.js';
import { planCautiously } from './cautious.js';
import { cut, looseFiles, pack, spread, subtree, type Piece } from './chunks.js';
import type { Measuring } from './measuring.js';
import { MeasuringAtHand } from './measuring-at-hand.js';
import type { PlanOptions, PlanStep } from './options.js';
import { topLevel } from './top-level.js';
import { Survey, type SurveyOutcome } from './survey.js';
import { Turns } from './turns.js';

export type { DirectoryHistory, PlanHistory, PlanOptions, PlanStep } from './options.js';

/**
 * How long workers may stand idle for the sake of sizes. Where chunks of many gigabytes are wanted, sizes decide
 * little before the first of them is done; small chunks cannot be made without.
 */
const PATIENCE_MS = 30;
const PATIENCE_SMALL_CHUNKS_MS = 5000;
const SMALL_CHUNK_BYTES = 1024 ** 3;
/** A directory with an operation that waits this long may be hanging: it must not come into a chunk with others. */
const SILENT_MS_MAX = 100;
const LOOK_EVERY_MS = 20;
/** Fewer files than this are not worth starting a worker for. */
const CHUNK_FILES_MIN = 5000;
/** Chunks per worker where sizes are known: the last ones even out what the first ones did not. */
const CHUNKS_PER_WORKER = 2;

/**
 * Plans a scan: yields chunks that together cover every entry exactly once, the first of them as soon as workers
 * stand idle, and what was learned on the way.
 *
 * The mount's own loose files are one `files` root. Each top-level directory is measured; one that is sized is cut
 * where it is above `chunkBytes`, and tiny ones share a chunk, the largest chunks coming first. So that this is
 * not a second walk, directories that are not sized yet are handed out as they are (`leaf`) while workers stand
 * idle; they are split later where that pays. One that cannot be measured gets a chunk of its own (`fallback`).
 * What may hang is planned with more caution, see cautious.ts.
 */
export async function* planScan(
  options: PlanOptions,
  atHand = new MeasuringAtHand(options.mountPath),
): AsyncGenerator<PlanStep> {
  const { mountPath, exclude, excludeDirectories, oneFileSystem } = options;
  const measuring = atHand.use({ mountPath, exclude, excludeDirectories, oneFileSystem });
  try {
    yield* measuring.mayHang ? planCautiously(options, measuring) : new Planner(options, measuring).run();
  } finally {
    atHand.done();
  }
}

class Planner {
  readonly #options: PlanOptions;
  readonly #measuring: Measuring;
  /** Workers that are of use: more than one per CPU only take turns. */
  readonly #workersMax: number;
  readonly #open = new Set<Survey>();
  readonly #ended: { survey: Survey; outcome: SurveyOutcome; seconds: number }[] = [];
  /** Sized and not yet in a chunk. */
  #sized: Piece[] = [];
  /** Told after the chunks: workers come first. */
  #news: PlanStep[] = [];
  #failure: Error | null = null;
  #wake: () => void = () => undefined;

  constructor(options: PlanOptions, measuring: Measuring) {
    this.#options = options;
    this.#measuring = measuring;
    this.#workersMax = Math.max(1, Math.min(options.slots, availableParallelism()));
  }

  async *run(): AsyncGenerator<PlanStep> {
    const { mountPath, fastStart } = this.#options;
    await this.#measuring.ready;
    const directories = await topLevel(this.#measuring, this.#options);
    if (this.#options.signal.aborted) return;
    if (directories === null) {
      yield* this.#fallback(mountPath, 'failed', 0);
      return;
    }
    this.#sized = [looseFiles(mountPath)];
    if (fastStart) {
      const pieces = [...this.#sized, ...directories.map((path) => subtree(path))];
      for (const chunk of spread(pieces, this.#options.slots, 'fast-start'))
        yield { type: 'chunk', ...chunk };
      return;
    }
    this.#survey(directories);
    try {
      yield* this.#plan();
    } finally {
      for (const survey of this.#open) survey.skip();
    }
  }

  #survey(directories: readonly string[]): void {
    const { chunkBytes, analysisTimeoutMs, ioTimeoutMs, history } = this.#options;
    const limits = { chunkBytes, analysisTimeoutMs, ioTimeoutMs, history };
    const turns = new Turns(this.#measuring.atOnce);
    for (const path of directories) {
      const survey = new Survey(path, this.#measuring, turns, limits);
      this.#open.add(survey);
      this.#news.push({ type: 'analysis.started', data: { directory: nameForJournal(path) } });
      survey.ended.then(
        (outcome) => {
          this.#ended.push({ survey, outcome, seconds: survey.seconds });
          this.#wake();
        },
        (error: unknown) => {
          this.#failure = error instanceof Error ? error : new Error(String(error));
          this.#wake();
        },
      );
    }
  }

  async *#plan(): AsyncGenerator<PlanStep> {
    const { signal, chunkBytes } = this.#options;
    const patienceMs = chunkBytes < SMALL_CHUNK_BYTES ? PATIENCE_SMALL_CHUNKS_MS : PATIENCE_MS;
    const patientUntilMs = performance.now() + patienceMs;
    while (this.#open.size > 0) {
      await this.#sleep();
      if (this.#failure !== null) throw this.#failure;
      if (signal.aborted) return;
      yield* this.#takeEnded();
      if (this.#open.size === 0) break;
      if (performance.now() < patientUntilMs) continue;
      yield* this.#handOut();
      yield* this.#news.splice(0);
    }
    yield* this.#packed();
    yield* this.#news.splice(0);
  }

  /** Workers that could start now and would not just take turns with those that run. */
  #idle(): number {
    return usefulIdle(this.#options.idleSlots(), this.#options.slots, this.#workersMax);
  }

  *#takeEnded(): Generator<PlanStep> {
    for (const { survey, outcome, seconds } of this.#ended.splice(0)) {
      if (!this.#open.delete(survey)) continue;
      if (outcome.outcome === 'sized') {
        const { directory } = outcome;
        this.#sized.push(...cut(directory, this.#options.chunkBytes));
        // Only what was measured now is called sized.
        this.#tell(survey, survey.guessed ? 'skipped' : 'sized', { ...directory, seconds });
      } else if (outcome.outcome === 'skipped') this.#sized.push(subtree(survey.path));
      else yield* this.#fallback(survey.path, outcome.outcome, seconds, survey);
    }
  }

  /** A directory that resists is alone in its chunk: it costs the others nothing. */
  *#fallback(
    path: string,
    outcome: 'failed' | 'timed-out',
    seconds: number,
    known: { files: number; bytes: number } = { files: 0, bytes: 0 },
  ): Generator<PlanStep> {
    const directory = nameForJournal(path);
    const { files, bytes } = known;
    const { root } = subtree(path);
    // Its beginning may have been told; where not, it is told now.
    yield* this.#news.splice(0);
    if (path === this.#options.mountPath) yield { type: 'analysis.started', data: { directory } };
    yield {
      type: 'analysis.finished',
      data: { directory, outcome, files, bytes: bigCountOf(bytes), seconds },
    };
    yield { type: 'chunk', roots: [root], reason: 'fallback', estimatedFiles: files, estimatedBytes: bytes };
  }

  *#handOut(): Generator<PlanStep> {
    if (this.#idle() <= 0) return;
    const files = this.#sized.reduce((sum, piece) => sum + piece.files, 0);
    if (files >= CHUNK_FILES_MIN || this.#sized.some((piece) => piece.bytes >= this.#options.chunkBytes / 2))
      yield* this.#packed();
    const idle = this.#idle();
    const waiting = [...this.#open].filter((survey) => survey.silentMs <= SILENT_MS_MAX);
    if (idle <= 0 || waiting.length === 0) return;
    const pieces = [...this.#sized.splice(0), ...waiting.map((survey) => subtree(survey.path))];
    for (const survey of waiting) {
      this.#open.delete(survey);
      survey.skip();
      this.#tell(survey, 'skipped', survey);
    }
    for (const chunk of spread(pieces, idle, 'leaf')) yield { type: 'chunk', ...chunk };
  }

  *#packed(): Generator<PlanStep> {
    const { chunkBytes } = this.#options;
    const chunksWanted = this.#workersMax * CHUNKS_PER_WORKER;
    const limits = { chunkBytes, chunksWanted, filesMin: CHUNK_FILES_MIN };
    for (const chunk of pack(this.#sized.splice(0), limits, 'sized')) yield { type: 'chunk', ...chunk };
  }

  #tell(
    survey: Survey,
    outcome: 'sized' | 'skipped',
    { files, bytes, seconds }: { files: number; bytes: number; seconds: number },
  ): void {
    const directory = nameForJournal(survey.path);
    this.#news.push({
      type: 'analysis.finished',
      data: { directory, outcome, files, bytes: bigCountOf(bytes), seconds },
    });
  }

  #sleep(): Promise<void> {
    if (this.#ended.length > 0 || this.#failure !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
