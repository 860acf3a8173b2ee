const LOOKS_PER_TIMEOUT = 8;
const LOOK_MS_MAX = 1000;

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

interface Pending {
  looks: number;
  giveUp(): void;
}

/** An operation that took too long; its thread may never come back. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
  readonly code = 'ETIMEDOUT';
}

/**
 * Asynchronous file system calls that are given up after `ioTimeoutMs`. One timer watches them all, and it counts
 * its own looks instead of time: a suspended machine is not a hung mount.
 */
export class TimedCalls {
  readonly #pending = new Set<Pending>();
  readonly #looksMax: number;
  readonly #timer: NodeJS.Timeout;
  /** Calls given up that have not come back: each holds a thread of the pool. */
  stuck = 0;
  /** Calls that came back, and how long all of them took together. */
  calls = 0;
  callsMs = 0;

  constructor(ioTimeoutMs: number) {
    const lookMs = Math.min(LOOK_MS_MAX, ioTimeoutMs / LOOKS_PER_TIMEOUT);
    this.#looksMax = Math.ceil(ioTimeoutMs / lookMs);
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  /** @throws the call's own error, or TimedOut */
  call<T>(start: (callback: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let givenUp = false;
      const startedAtMs = performance.now();
      const pending: Pending = {
        looks: 0,
        giveUp: () => {
          givenUp = true;
          this.stuck += 1;
          reject(new TimedOut());
        },
      };
      this.#pending.add(pending);
      start((error, value) => {
        this.#pending.delete(pending);
        if (givenUp) {
          this.stuck -= 1;
          return;
        }
        this.calls += 1;
        this.callsMs += performance.now() - startedAtMs;
        if (error === null) resolve(value);
        else reject(error);
      });
    });
  }

  #look(): void {
    for (const pending of this.#pending) {
      pending.looks += 1;
      if (pending.looks <= this.#looksMax) continue;
      this.#pending.delete(pending);
      pending.giveUp();
    }
  }
}
