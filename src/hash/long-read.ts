import type { Range } from './sampling.js';

/** Who reads one file for longer than this says how far it is, and again after as long. */
const TELL_MS = 10_000;

/** Who wants to hear how far the reading of a file is. */
export interface ReadingWatch {
  /** ms of a clock that only goes forward. */
  now(): number;
  /** @param bytesTotal what is to be read of the file */
  tell(bytesRead: number, bytesTotal: number): void;
}

/** Watches the reading of one file: a scan that records nothing for hours is at work all the same. */
export class LongRead {
  readonly #watch: ReadingWatch;
  readonly #bytesTotal: number;
  #bytesRead = 0;
  #toldAtMs: number;

  constructor(watch: ReadingWatch, ranges: readonly Range[]) {
    this.#watch = watch;
    this.#bytesTotal = ranges.reduce((sum, { length }) => sum + length, 0);
    this.#toldAtMs = watch.now();
  }

  /** So many more bytes have been read. */
  add(bytes: number): void {
    this.#bytesRead += bytes;
    const nowMs = this.#watch.now();
    if (nowMs - this.#toldAtMs < TELL_MS) return;
    this.#toldAtMs = nowMs;
    this.#watch.tell(this.#bytesRead, this.#bytesTotal);
  }
}
