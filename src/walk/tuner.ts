/** How many operations at once are tried first, and the most. */
export interface TunerLimits {
  start: number;
  max: number;
}

/** A rate is believed after so many operations and this long. */
const WINDOW_OPERATIONS_MIN = 100;
const WINDOW_MS_MIN = 200;
/** More at once must bring at least this much more to be kept. */
const GAIN_MIN = 1.15;
/** A settled tuner looks again after this: mounts and neighbours change. */
const SETTLED_MS = 10_000;

/**
 * Finds how many operations to run at once by trying: doubles while that brings clearly more of them per second
 * (where latency rules), and goes back where it does not (where a disk's head or a server is the limit).
 */
export class Tuner {
  readonly #max: number;
  #atOnce: number;
  #previous: { atOnce: number; perSecond: number } | null = null;
  #operations = 0;
  /** How long, since the window began, as many operations were under way as may be. */
  #saturatedMs = 0;
  #pushedAtMs: number;
  #settledAtMs: number | null = null;

  constructor(limits: TunerLimits, nowMs: number) {
    this.#max = Math.max(1, limits.max);
    this.#atOnce = Math.min(limits.start, this.#max);
    this.#pushedAtMs = nowMs;
  }

  get atOnce(): number {
    return this.#atOnce;
  }

  /** Whether it has found what is best, for now. */
  get settled(): boolean {
    return this.#settledAtMs !== null;
  }

  /**
   * Takes a number of operations that have come back.
   * @param saturated whether as many were under way as may be: else the rate says nothing
   */
  push(operations: number, saturated: boolean, nowMs: number): void {
    const elapsedMs = nowMs - this.#pushedAtMs;
    this.#pushedAtMs = nowMs;
    if (!saturated) return;
    this.#operations += operations;
    this.#saturatedMs += elapsedMs;
    if (this.#operations < WINDOW_OPERATIONS_MIN || this.#saturatedMs < WINDOW_MS_MIN) return;
    const perSecond = (this.#operations / this.#saturatedMs) * 1000;
    if (this.#settledAtMs === null) this.#step(perSecond, nowMs);
    else if (nowMs - this.#settledAtMs > SETTLED_MS) this.#tryMore(perSecond);
    this.#operations = 0;
    this.#saturatedMs = 0;
  }

  #step(perSecond: number, nowMs: number): void {
    const before = this.#previous;
    if (before !== null && perSecond < before.perSecond * GAIN_MIN) {
      this.#atOnce = before.atOnce;
      this.#settledAtMs = nowMs;
    } else if (this.#atOnce >= this.#max) this.#settledAtMs = nowMs;
    else this.#tryMore(perSecond);
  }

  #tryMore(perSecond: number): void {
    this.#settledAtMs = null;
    this.#previous = { atOnce: this.#atOnce, perSecond };
    this.#atOnce = Math.min(this.#max, this.#atOnce * 2);
  }
}
