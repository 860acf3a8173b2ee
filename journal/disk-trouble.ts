import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalError } from './errors.js';
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
/** Name of the reserve in a writer's folder; no segment, so readers pass it over. */
export const RESERVE_FILE = '.reserve';

export interface DiskTroubleOptions {
  storage: JournalStorage;
  /** The writer's folder, absolute. */
  folder: string;
  fullDiskWaitMs: number;
  /** Size of the file that is given back when the disk is full, for the last words. 0: none. */
  reserveBytes: number;
  onPause?(error: JournalError): void;
  onContinue?(): void;
  now(): number;
}

/** Decides after a failed write whether and when the next segment is tried. */
export class DiskTrouble {
  readonly #options: DiskTroubleOptions;
  #faults = 0;
  #fullSinceMs: number | null = null;
  #reserved = false;

  constructor(options: DiskTroubleOptions) {
    this.#options = options;
  }

  get #reservePath(): string {
    return join(this.#options.folder, RESERVE_FILE);
  }

  /** Occupies the reserve. A disk without room for it is no error: there are just no last words to save. */
  async prepare(): Promise<boolean> {
    if (this.#options.reserveBytes === 0 || this.#reserved) return true;
    try {
      await this.#options.storage.reserve(this.#reservePath, this.#options.reserveBytes);
      this.#reserved = true;
    } catch {
      await this.#release();
    }
    return this.#reserved;
  }

  /** After records have reached the disk: the trouble is over once the reserve is full again. */
  async relieved(): Promise<void> {
    this.#faults = 0;
    if (this.#fullSinceMs === null) return;
    // Still too full for the reserve: what was written fits, and the wait for room begins anew.
    this.#fullSinceMs = this.#options.now();
    if (!(await this.prepare())) return;
    this.#fullSinceMs = null;
    this.#options.onContinue?.();
  }

  /**
   * Returns when another segment should be tried.
   * @param pendingBytes what waits to be written
   * @throws JournalError `no-segment` when there is nothing left to try
   */
  async overcome(error: unknown, path: string, pendingBytes: number): Promise<void> {
    const cause = error instanceof JournalError && error.cause !== undefined ? error.cause : error;
    const code = errnoName(cause);
    if (isFullDisk(code)) return this.#waitForRoom(cause, path, pendingBytes);
    this.#faults += 1;
    if (this.#faults >= FAULTS_MAX) throw noSegment(cause, path, `after ${FAULTS_MAX} attempts`);
    await sleep(BACKOFF_MS * 2 ** this.#faults);
  }

  /** Gives the reserve back for good. */
  close(): Promise<void> {
    return this.#release();
  }

  async #waitForRoom(cause: unknown, path: string, pendingBytes: number): Promise<void> {
    const { fullDiskWaitMs, storage, folder } = this.#options;
    const first = this.#fullSinceMs === null;
    const since = (this.#fullSinceMs ??= this.#options.now());
    if (first) {
      const message = `the disk of the journal is full: ${messageOf(cause)}; waiting up to ${Math.round(fullDiskWaitMs / 1000)} s for room`;
      this.#options.onPause?.(new JournalError('segment-dead', message, { cause, path }));
    }
    if (this.#reserved) {
      await this.#release();
      if ((await storage.freeBytes(folder)) >= pendingBytes) return;
    }
    for (;;) {
      // A quota is invisible here: then the next write tells.
      const left = since + fullDiskWaitMs - this.#options.now();
      if (left <= 0) throw noSegment(cause, path, `waited ${Math.round(fullDiskWaitMs / 1000)} s for room`);
      await sleep(Math.min(left, FULL_DISK_POLL_MS));
      if ((await storage.freeBytes(folder)) >= pendingBytes + ROOM_MARGIN_BYTES) return;
    }
  }

  async #release(): Promise<void> {
    this.#reserved = false;
    try {
      await this.#options.storage.release(this.#reservePath);
    } catch (error) {
      // A read-only disk keeps it; the write that follows says so in its own words.
      if (errnoName(error) === 'UNKNOWN') throw error;
    }
  }
}

function noSegment(cause: unknown, path: string, why: string): JournalError {
  return new JournalError('no-segment', `cannot write the journal at ${path}: ${messageOf(cause)} (${why})`, {
    cause,
    path,
    hint: 'Everything acknowledged is in the journal. Mend the disk, then start the same scan again: it goes on.',
  });
}
