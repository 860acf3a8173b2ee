import type { ListerAnswer } from '../walk/protocol.js';
import type { ChecksumMode } from './task.js';

/** Operations that the judgement goes by: some slow ones in between mean nothing. */
const WINDOW_OPERATIONS = 1000;
/** Mean duration from which working on several directories at once is worth its price. */
const SLOW_MS = 0.4;
/** Where content is read, too: reading and digesting take their time on any medium. */
const SLOW_READING_MS = 4;

/** Judges by the time that operations take whether blocking calls one after the other are good enough. */
export class Pace {
  readonly #slowMs: number;
  #operations = 0;
  #elapsedMs = 0;

  constructor(checksum: ChecksumMode) {
    this.#slowMs = checksum === 'none' ? SLOW_MS : SLOW_READING_MS;
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
