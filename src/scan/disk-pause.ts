import type { JournalError } from '../../journal/errors.js';
import { errnoName, isFullDisk } from '../../journal/storage.js';
import { freeBytes } from '../health/room.js';
import type { ChunkProgress } from './progress.js';
import type { ScanJournal } from './scan-journal.js';

/** How often a full disk is looked at. */
const LOOK_EVERY_MS = 500;
/** Room from which workers are started again: their journals need some to begin with. */
const ROOM_MIN_BYTES = 4 * 1024 ** 2;
/** Longer waits are told in minutes. */
const SECONDS_TOLD_MAX = 120;

export interface DiskPauseOptions {
  journal: ScanJournal;
  dataDir: string;
  /** How long a full disk is waited for. */
  waitMs: number;
  /** The coordinator's own journal is not to wait for room any more. */
  endWait: () => void;
}

/**
 * Whether the disk of the journal is full: under the coordinator's own journal, under a worker's, or for a worker that is
 * to be started. The first of them pauses the scan, the last one's end lets it go on, and the coordinator's journal says
 * both. Meanwhile no worker is started: it would only fail, and take the room that is kept for the last words.
 */
export class DiskPause {
  readonly #options: DiskPauseOptions;
  /** Writers that wait, by what their journals say; one that ended without another word waits until there is room. */
  readonly #waiting = new Set<ChunkProgress>();
  #ownWaits = false;
  #startWaits = false;
  #sinceMs: number | null = null;
  #lookedAtMs = 0;
  #hasRoom = false;

  constructor(options: DiskPauseOptions) {
    this.#options = options;
  }

  /** The coordinator's own journal waits for room. Safe to call while it is being written. */
  ownWaits(error: JournalError): void {
    this.#ownWaits = true;
    this.#pause(errnoName(error.cause), 'the coordinator');
  }

  /** It goes on. */
  ownGoesOn(): void {
    this.#ownWaits = false;
    this.#continueUnlessFull();
  }

  /** A worker could not be started. @throws the error where that is not for want of room */
  startFailed(error: unknown): void {
    const code = errnoName(error);
    if (!isFullDisk(code)) throw error;
    this.#startWaits = true;
    this.#pause(code, 'the next worker');
  }

  /** Takes in what the journals of the running workers say by now. */
  look(running: readonly ChunkProgress[], nowMs: number): void {
    for (const progress of running) if (progress.paused !== null) this.#waiting.add(progress);
    for (const progress of this.#waiting) {
      const ended = !running.includes(progress);
      if (progress.paused === null || (ended && this.#hasRoom)) this.#waiting.delete(progress);
      else this.#pause(progress.paused.code, progress.writer);
    }
    if (!this.#isPaused) return;
    this.#sinceMs ??= nowMs;
    if (this.#hasRoom) this.#startWaits = false;
    this.#continueUnlessFull();
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    void freeBytes(this.#options.dataDir).then((bytes) => (this.#hasRoom = (bytes ?? 0) >= ROOM_MIN_BYTES));
  }

  /** No worker is to be started. */
  get holds(): boolean {
    return this.#isPaused && !this.#hasRoom;
  }

  /** It has been full for too long. */
  isOver(nowMs: number): boolean {
    return this.holds && this.#sinceMs !== null && nowMs - this.#sinceMs > this.#options.waitMs;
  }

  /** The scan is told to stop: nothing waits for room any more. */
  endWait(): void {
    this.#options.endWait();
  }

  get #isPaused(): boolean {
    return this.#options.journal.state.pausedBecause !== null;
  }

  #pause(code: string, who: string): void {
    if (this.#isPaused) return;
    const { journal, dataDir, waitMs } = this.#options;
    this.#hasRoom = false;
    this.#sinceMs = null;
    const wait = waitWords(waitMs);
    const reason = `the disk of ${dataDir} is full (${code}, met by ${who}): free some room there; the scan waits up to ${wait} and goes on by itself`;
    note(journal.append('scan.paused', { reason }));
  }

  #continueUnlessFull(): void {
    if (!this.#isPaused || this.#ownWaits || this.#startWaits || this.#waiting.size > 0) return;
    note(this.#options.journal.append('scan.continued', { reason: 'there is room again' }));
  }
}

function waitWords(waitMs: number): string {
  const seconds = Math.round(waitMs / 1000);
  return seconds > SECONDS_TOLD_MAX ? `${Math.round(seconds / 60)} min` : `${seconds} s`;
}

/** A writer that cannot go on tells whoever appends next; the note about it must not end the process before that. */
function note(appended: Promise<void>): void {
  appended.catch(() => undefined);
}
