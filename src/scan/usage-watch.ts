import type { EventData } from '../../journal/events/index.js';
import { EngineError, type Engine } from '../engine/port.js';

/** Often enough to tell how a worker stood when it ended, seldom enough to be nothing to an engine with many of them. */
const LOOK_EVERY_MS = 5000;
/** The same as long as nothing is known: what has just started uses nothing yet. */
const FIRST_LOOK_EVERY_MS = 500;

type LastUsage = NonNullable<EventData<'container.exited'>['lastUsage']>;

/** What one worker used when it was last looked at: once it has ended, no engine can tell. */
export class UsageWatch {
  readonly #engine: Engine;
  readonly #now: () => number;
  #lookedAtMs = -Infinity;
  #asking = false;
  #last: LastUsage | null = null;

  /** @param now milliseconds of the clock that the journal's times are of */
  constructor(engine: Engine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  /** Null where it was never seen at work. */
  get last(): LastUsage | null {
    return this.#last;
  }

  /** Looks where that is due. Never rejects for want of an engine. @param id null: it has not started yet */
  async look(id: string | null): Promise<void> {
    const nowMs = this.#now();
    const everyMs = this.#last === null ? FIRST_LOOK_EVERY_MS : LOOK_EVERY_MS;
    if (id === null || this.#asking || nowMs - this.#lookedAtMs < everyMs) return;
    this.#lookedAtMs = nowMs;
    this.#asking = true;
    try {
      const usage = await this.#engine.usage(id);
      // What has just ended uses nothing: the word before that counts.
      if ((usage.memoryBytes ?? 0) > 0) this.#last = { at: new Date(nowMs).toISOString(), ...usage };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error; // it has ended, or the engine is away
    } finally {
      this.#asking = false;
    }
  }
}
