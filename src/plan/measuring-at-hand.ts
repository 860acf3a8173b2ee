import type { MeasureOptions } from './measure.js';
import { createMeasuring, type Measuring } from './measuring.js';

/** Between two users so long it is kept ready for the next one. */
const IDLE_MS = 1000;

/** One `Measuring` for all who want one now and then: where that is a process, its start takes longer than most answers. */
export class MeasuringAtHand {
  readonly #mountPath: string;
  #measuring: Measuring | null = null;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(mountPath: string) {
    this.#mountPath = mountPath;
  }

  /** Gets ready what will be wanted soon; not for longer than that. */
  prepare(): void {
    if (this.#users > 0) return;
    this.#living();
    this.#rest();
  }

  /** Whoever uses it says when that is over, see `done`. */
  use(options: MeasureOptions): Measuring {
    clearTimeout(this.#idle);
    this.#users += 1;
    const measuring = this.#living();
    measuring.configure(options);
    return measuring;
  }

  /** One user less. */
  done(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    if (this.#measuring?.pending === 0) this.#rest();
    else this.close(); // it hangs, or does what nobody wants any more: the next one gets another
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#measuring?.close();
    this.#measuring = null;
  }

  #living(): Measuring {
    if (this.#measuring?.ended === true) this.close();
    return (this.#measuring ??= createMeasuring(this.#mountPath));
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
  }
}
