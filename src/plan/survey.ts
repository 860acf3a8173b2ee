import { joinPath } from '../walk/names.js';
import type { SizedDirectory } from './chunks.js';
import { PlanError } from './errors.js';
import type { Measured } from './measure.js';
import type { Measuring } from './measuring.js';
import type { PlanHistory } from './options.js';
import type { Turns } from './turns.js';

/** Subdirectories of one directory measured at once; deeper levels share what is left. */
const CHILDREN_AT_ONCE = 8;
const LOOKS_PER_TIMEOUT = 8;
const LOOK_MS_MAX = 1000;

export interface SurveyLimits {
  /** What is no bigger is never split, so its inside is forgotten. */
  chunkBytes: number;
  analysisTimeoutMs: number;
  ioTimeoutMs: number;
}

export type SurveyOutcome =
  { outcome: 'sized'; directory: SizedDirectory } | { outcome: 'timed-out' | 'failed' | 'skipped' };

/** Measures one top-level directory with all below it. */
export class Survey {
  readonly path: string;
  readonly ended: Promise<SurveyOutcome>;
  files = 0;
  bytes = 0;
  /** When it began and when an operation last came back, as performance.now() tells. */
  readonly startedAtMs = performance.now();
  #progressAtMs = this.startedAtMs;
  #stopped: 'timed-out' | 'skipped' | null = null;
  readonly #measuring: Measuring;
  readonly #turns: Turns;
  readonly #limits: SurveyLimits;
  readonly #history: PlanHistory | undefined;
  readonly #stop = new AbortController();

  constructor(
    path: string,
    measuring: Measuring,
    turns: Turns,
    limits: SurveyLimits & { history?: PlanHistory | undefined },
  ) {
    this.path = path;
    this.#measuring = measuring;
    this.#turns = turns;
    this.#limits = limits;
    this.#history = limits.history;
    this.ended = this.#run();
  }

  get seconds(): number {
    return (performance.now() - this.startedAtMs) / 1000;
  }

  /** A part of its size is what an earlier scan found, not what is there now. */
  guessed = false;

  /** How long its oldest operation has been waiting. */
  get silentMs(): number {
    return performance.now() - this.#progressAtMs;
  }

  /** Its size is not wanted any more. */
  skip(): void {
    this.#end('skipped');
  }

  #end(outcome: 'timed-out' | 'skipped'): void {
    this.#stopped ??= outcome;
    this.#stop.abort();
  }

  async #run(): Promise<SurveyOutcome> {
    const timer = setTimeout(() => this.#end('timed-out'), this.#limits.analysisTimeoutMs);
    try {
      const directory = await this.#size(this.path);
      return { outcome: 'sized', directory };
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      return { outcome: this.#stopped ?? (error.errno === 'ETIMEDOUT' ? 'timed-out' : 'failed') };
    } finally {
      clearTimeout(timer);
      this.#stop.abort();
    }
  }

  async #size(path: string): Promise<SizedDirectory> {
    const known = this.#history?.of(path);
    if (known !== undefined && known.bytes <= this.#limits.chunkBytes) return this.#leaf(path, known);
    const measured = await this.#measure(path);
    this.files += measured.files;
    this.bytes += measured.bytes;
    const children = await this.#children(path, measured.subdirectories);
    const files = children.reduce((sum, child) => sum + child.files, measured.files);
    const bytes = children.reduce((sum, child) => sum + child.bytes, measured.bytes);
    return {
      path,
      files,
      bytes,
      looseFiles: measured.files,
      looseBytes: measured.bytes,
      children: bytes > this.#limits.chunkBytes ? children : [],
    };
  }

  #leaf(path: string, { files, bytes }: { files: number; bytes: number }): SizedDirectory {
    this.guessed = true;
    this.files += files;
    this.bytes += bytes;
    return { path, files, bytes, looseFiles: 0, looseBytes: 0, children: [] };
  }

  async #children(parent: string, names: readonly string[]): Promise<SizedDirectory[]> {
    const sized: SizedDirectory[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < names.length) {
        const at = next;
        next += 1;
        sized[at] = await this.#size(joinPath(parent, names[at] ?? ''));
      }
    };
    await Promise.all(Array.from({ length: Math.min(CHILDREN_AT_ONCE, names.length) }, work));
    return sized;
  }

  /** A directory below that cannot be listed counts as empty: the walk meets it again and records why. */
  async #measure(path: string): Promise<Measured> {
    await this.#turns.take(path === this.path);
    try {
      return await this.#inTime(path);
    } catch (error) {
      const deep = path !== this.path && error instanceof PlanError && error.code === 'measuring-failed';
      if (!deep || error.errno === 'ETIMEDOUT') throw error;
      return { files: 0, bytes: 0, subdirectories: [] };
    } finally {
      this.#turns.give();
    }
  }

  #inTime(path: string): Promise<Measured> {
    const { ioTimeoutMs } = this.#limits;
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.reject(new PlanError('stopped', 'ECANCELED', path));
    return new Promise((resolve, reject) => {
      let progressAtMs = performance.now();
      const stop = (): void => end(() => reject(new PlanError('stopped', 'ECANCELED', path)));
      const timer = setInterval(
        () => {
          if (performance.now() - progressAtMs < ioTimeoutMs) return;
          end(() => reject(new PlanError('measuring-failed', 'ETIMEDOUT', path)));
        },
        Math.min(LOOK_MS_MAX, ioTimeoutMs / LOOKS_PER_TIMEOUT),
      );
      const end = (settle: () => void): void => {
        clearInterval(timer);
        signal.removeEventListener('abort', stop);
        settle();
      };
      signal.addEventListener('abort', stop);
      const onProgress = (): boolean => {
        progressAtMs = performance.now();
        this.#progressAtMs = progressAtMs;
        return !signal.aborted;
      };
      this.#measuring.measure(path, false, onProgress).then(
        (measured) => {
          onProgress();
          end(() => resolve(measured));
        },
        (error: unknown) => {
          onProgress();
          end(() => reject(error instanceof Error ? error : new Error(String(error))));
        },
      );
    });
  }
}
