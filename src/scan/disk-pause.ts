import { freeBytes } from '../health/room.js';

/** How often a full disk is looked at. */
const LOOK_EVERY_MS = 500;
/** Room from which workers are started again: their journals need some to begin with. */
const ROOM_MIN_BYTES = 4 * 1024 ** 2;

/**
 * Holds starts while the disk of the journal is full: new workers would only fail, and take the room that is kept for
 * the coordinator's last words.
 */
export class DiskPause {
  readonly #dataDir: string;
  readonly #waitMs: number;
  #sinceMs: number | null = null;
  #lookedAtMs = 0;
  #hasRoom = false;

  /** @param waitMs how long a full disk is waited for */
  constructor(dataDir: string, waitMs: number) {
    this.#dataDir = dataDir;
    this.#waitMs = waitMs;
  }

  /** @param paused whether the journal's last word about its disk is that it is full */
  holds(paused: boolean, nowMs: number): boolean {
    if (!paused) {
      this.#sinceMs = null;
      this.#hasRoom = false;
      return false;
    }
    this.#sinceMs ??= nowMs;
    if (!this.#hasRoom && nowMs - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = nowMs;
      // Whoever writes next finds out whether it is enough, and says so in the journal.
      void freeBytes(this.#dataDir).then((bytes) => (this.#hasRoom = (bytes ?? 0) >= ROOM_MIN_BYTES));
    }
    return !this.#hasRoom;
  }

  /** It has been full for too long. */
  isOver(nowMs: number): boolean {
    return !this.#hasRoom && this.#sinceMs !== null && nowMs - this.#sinceMs > this.#waitMs;
  }
}
