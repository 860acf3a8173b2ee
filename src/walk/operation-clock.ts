/** Operations that are timed together: few enough that one of them which stalls is seen as what it is. */
const SLICE_OPERATIONS = 32;

/** Mean duration from which operations are slow, by what is done with files: reading takes its time on any medium. */
export const SLOW_MS = { none: 0.4, sampled: 4, full: 4 } as const;
/** What one operation of a slice counts for at most, in units of that. */
export const STALL_FACTOR = 10;

/** How long operations took, and how many they were. */
export interface OperationTimes {
  operations: number;
  operationsMs: number;
  /** The same without stalls: no slice counts for more than its operations may take at most. */
  steadyMs: number;
}

/**
 * Times operations that follow one another. A machine that sleeps, or a disk that starts up, makes one of them last as
 * long as thousands of others, and says nothing of how fast the medium is.
 */
export class OperationClock {
  readonly #now: () => number;
  readonly #operationMsMax: number;
  #sinceMs = 0;
  #sliceSinceMs = 0;
  #operations = 0;
  #sliceOperations = 0;
  #steadyMs = 0;

  /** @param operationMsMax what one operation of a slice counts for at most, on average */
  constructor(now: () => number, operationMsMax: number) {
    this.#now = now;
    this.#operationMsMax = operationMsMax;
  }

  /** Operations begin, or go on after a wait that is none of theirs. */
  start(): void {
    this.#sinceMs = this.#now();
    this.#sliceSinceMs = this.#sinceMs;
  }

  /** One more begins. */
  beat(): void {
    this.#operations += 1;
    this.#sliceOperations += 1;
    if (this.#sliceOperations >= SLICE_OPERATIONS) this.#endSlice(this.#now());
  }

  /** What there was since `start` or since it was taken last. */
  take(nowMs: number): OperationTimes {
    this.#endSlice(nowMs);
    const times = {
      operations: this.#operations,
      operationsMs: nowMs - this.#sinceMs,
      steadyMs: this.#steadyMs,
    };
    this.#operations = 0;
    this.#steadyMs = 0;
    this.#sinceMs = nowMs;
    return times;
  }

  #endSlice(nowMs: number): void {
    const most = this.#sliceOperations * this.#operationMsMax;
    this.#steadyMs += Math.min(nowMs - this.#sliceSinceMs, most);
    this.#sliceSinceMs = nowMs;
    this.#sliceOperations = 0;
  }
}
