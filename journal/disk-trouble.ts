import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalError } from './errors.js';
import type { EventData } from './events/index.js';
import { errnoName, isFullDisk, messageOf, type JournalStorage } from './storage.js';

/** Failures in a row, without one record on disk between them, after which a writer gives up. */
const FAULTS_MAX = 5;
/** Wait before the next try after the first failure in a row; doubles with each. */
const BACKOFF_MS = 20;
/** How often a full disk is looked at. */
const FULL_DISK_POLL_MS = 500;
/**
 * Room beyond what waits to be written before a new segment is begun on a disk that was full: more than the reserve that
 * a coordinator gives back for its last words, or the workers that wait for room would take it.
 */
const ROOM_MARGIN_BYTES = 320 * 1024;
/** What a coordinator's reserve gives back at once: were it all, whoever else writes to the full disk would take it. */
const RESERVE_PIECE_BYTES = 64 * 1024;
/** A pause is told where there is so much room: a segment of three short records, and what a file takes beside. */
const WORDS_BYTES = 16 * 1024;
/** Name of the reserve in a writer's folder; no segment, so readers pass it over. */
export const RESERVE_FILE = '.reserve';
/** The reserve of a worker's writer: room to tell of its pause. */
export const WORKER_RESERVE_BYTES = WORDS_BYTES;

export interface DiskTroubleOptions {
  storage: JournalStorage;
  /** The writer's folder, absolute. */
  folder: string;
  fullDiskWaitMs: number;
  /** Size of the file that is given back when the disk is full, for the last words. 0: none. */
  reserveBytes: number;
  /** Journals that the writer pauses, in the room of its reserve; false: there was none. Left out: others tell. */
  tellPause?: (data: EventData<'writer.paused'>) => Promise<boolean>;
  onPause?(error: JournalError): void;
  onContinue?(): void;
  /** Once aborted, no room is waited for any more. */
  endWait?: AbortSignal;
  now: () => number;
}

/** Decides after a failed write whether and when the next segment is tried. */
export class DiskTrouble {
  readonly #options: DiskTroubleOptions;
  #faults = 0;
  #pausedAtMs = 0;
  /** The wait for room began then; null: there is room. */
  #fullSinceMs: number | null = null;
  /** Bytes of the reserve that are on disk. */
  #reserved = 0;
  /** The journal says that this writer pauses. */
  #told = false;

  constructor(options: DiskTroubleOptions) {
    this.#options = options;
  }

  /** Seconds since the pause began of which the journal tells, and not yet that it is over; null: it tells of none. */
  get toldPauseSeconds(): number | null {
    return this.#told ? Math.max(0, this.#options.now() - this.#pausedAtMs) / 1000 : null;
  }

  /** Occupies the reserve. A disk without room for it is no error: there are just no last words to save. */
  async prepare(): Promise<boolean> {
    const { reserveBytes } = this.#options;
    if (this.#reserved === reserveBytes) return true;
    try {
      await this.#reserve(reserveBytes);
    } catch {
      if (this.#reserved === 0) await this.#release(); // else it is what it was
    }
    return this.#reserved === reserveBytes;
  }

  /** After records have reached the disk: the trouble is over once the reserve is full again. */
  async relieved(): Promise<void> {
    this.#faults = 0;
    this.#told = false;
    if (this.#fullSinceMs === null) {
      await this.prepare(); // there may have been no room for it before
      return;
    }
    // Still too full for the reserve: what was written fits, and the wait for room begins anew.
    this.#fullSinceMs = this.#options.now();
    const isWhole = await this.prepare();
    // Who tells of its pauses has just told that this one is over.
    if (!isWhole && this.#options.tellPause === undefined) return;
    this.#fullSinceMs = null;
    this.#options.onContinue?.();
  }

  /**
   * Returns when another segment should be tried.
   * @param neededBytes what waits to be written
   * @throws JournalError `no-segment` when there is nothing left to try
   */
  async overcome(error: unknown, path: string, neededBytes: number): Promise<void> {
    const cause = causeOf(error);
    if (isFullDisk(errnoName(cause))) return this.#waitForRoom(cause, path, neededBytes);
    this.#faults += 1;
    if (this.#faults >= FAULTS_MAX) throw noSegment(cause, path, `after ${FAULTS_MAX} attempts`);
    await sleep(BACKOFF_MS * 2 ** this.#faults);
  }

  /** Gives the reserve back for good. */
  close(): Promise<void> {
    return this.#release();
  }

  async #waitForRoom(cause: unknown, path: string, neededBytes: number): Promise<void> {
    const { fullDiskWaitMs, storage, folder, tellPause, endWait, now } = this.#options;
    const since = this.#fullSinceMs ?? now();
    const seconds = Math.round(fullDiskWaitMs / 1000);
    const message = `the disk of the journal is full: ${messageOf(cause)}; waiting up to ${seconds} s for room`;
    if (this.#fullSinceMs === null) {
      this.#fullSinceMs = this.#pausedAtMs = since;
      this.#options.onPause?.(new JournalError('segment-dead', message, { cause, path }));
    }
    if (tellPause !== undefined) await this.#giveBack(this.#reserved);
    else if (await this.#giveBack(Math.ceil(neededBytes / RESERVE_PIECE_BYTES) * RESERVE_PIECE_BYTES)) return;
    const words = { reason: message, code: errnoName(cause), path, neededBytes };
    const room = new RoomWatch(storage, folder);
    if (tellPause !== undefined && !this.#told) this.#told = await tellPause(words);
    for (;;) {
      const left = since + fullDiskWaitMs - now();
      if (left <= 0) throw noSegment(cause, path, `waited ${seconds} s for room`);
      if (endWait?.aborted === true) throw noSegment(cause, path, 'told to stop while it waited for room');
      await pause(Math.min(left, FULL_DISK_POLL_MS), endWait);
      const newBytes = await room.look();
      // A quota is invisible here: then the next write tells.
      if (newBytes >= neededBytes + ROOM_MARGIN_BYTES) return;
      if (tellPause !== undefined && !this.#told && newBytes >= WORDS_BYTES)
        this.#told = await tellPause(words);
    }
  }

  /** @returns false: there is not so much to give back */
  async #giveBack(bytes: number): Promise<boolean> {
    const kept = this.#reserved - bytes;
    if (kept < 0 || bytes === 0) return false;
    if (kept === 0) await this.#release();
    else await this.#reserve(kept);
    return true;
  }

  async #reserve(bytes: number): Promise<void> {
    await this.#options.storage.reserve(this.#reservePath, bytes);
    this.#reserved = bytes;
  }

  async #release(): Promise<void> {
    this.#reserved = 0;
    try {
      await this.#options.storage.reserve(this.#reservePath, 0);
    } catch (error) {
      // A read-only disk keeps it; the write that follows says so in its own words.
      if (errnoName(error) === 'UNKNOWN') throw error;
    }
  }

  get #reservePath(): string {
    return join(this.#options.folder, RESERVE_FILE);
  }
}

/** Looks at a disk that is full: what it keeps for root is room for root, but no figure says how much of that it gives. */
class RoomWatch {
  readonly #storage: JournalStorage;
  readonly #folder: string;
  /** The least that was free since the disk was full: so much cannot be written to. */
  #leastBytes = Infinity;

  constructor(storage: JournalStorage, folder: string) {
    this.#storage = storage;
    this.#folder = folder;
  }

  /** @returns bytes that can be written to, by all that is known */
  async look(): Promise<number> {
    const { available, free } = await this.#storage.room(this.#folder);
    if (available === Infinity) return available;
    this.#leastBytes = Math.min(this.#leastBytes, free);
    return Math.max(available, free - this.#leastBytes);
  }
}

/** Sleeps, or until there is nothing to wait for any more. */
async function pause(milliseconds: number, until?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, until === undefined ? {} : { signal: until });
  } catch (error) {
    if (until?.aborted !== true) throw error;
  }
}

/** The system's error behind one of the journal's. */
function causeOf(error: unknown): unknown {
  return error instanceof JournalError && error.cause !== undefined ? error.cause : error;
}

function noSegment(cause: unknown, path: string, why: string): JournalError {
  return new JournalError('no-segment', `cannot write the journal at ${path}: ${messageOf(cause)} (${why})`, {
    cause,
    path,
    hint: 'Everything acknowledged is in the journal. Mend the disk, then start the same scan again: it goes on.',
  });
}
