import { SLOW_MS } from '../walk/operation-clock.js';
import type { ListerAnswer } from '../walk/protocol.js';
import type { ChecksumMode } from '../hash/sampling.js';

/** Operations that the judgement goes by: some slow ones in between mean nothing. */
const WINDOW_OPERATIONS = 1000;
/** Judges by the time that operations take whether blocking calls one after the other are good enough. */
export class Pace {
  readonly #slowMs: number;
  #operations = 0;
  #elapsedMs = 0;

  constructor(checksum: ChecksumMode) {
    // Working on several directories at once is worth its price from there.
    this.#slowMs = SLOW_MS[checksum];
  }

  isSlow({ operations, steadyMs }: Pick<ListerAnswer, 'operations' | 'steadyMs'>): boolean {
    this.#operations += operations;
    this.#elapsedMs += steadyMs;
    if (this.#operations < WINDOW_OPERATIONS) return false;
    const meanMs = this.#elapsedMs / this.#operations;
    this.#operations = 0;
    this.#elapsedMs = 0;
    return meanMs > this.#slowMs;
  }
}
