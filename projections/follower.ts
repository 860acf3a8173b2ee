import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SegmentPosition } from '../journal/segments.js';
import { THREAD_LIMITS } from '../journal/thread-limits.js';
import { NOT_AWAITED, type DrainPatience, type DrainResult } from './drain.js';
import { Follow, type FollowListener, type TroubleCode } from './follow.js';
import type { FollowTarget } from './follow-session.js';

export type ToFollower =
  | { type: 'advance' }
  | { type: 'settle'; writer: string; position: SegmentPosition }
  | ({ type: 'drain' } & DrainPatience)
  | { type: 'close' };

export type FromFollower =
  | { type: 'opened'; mode: string; reason: string }
  | { type: 'trouble'; code: TroubleCode; detail: string }
  | { type: 'recovered' }
  | { type: 'progress'; bytesLeft: number | null; longStep: boolean }
  | ({ type: 'drained' } & DrainResult);

/** Keeps the catalog up with a running scan. Whatever becomes of the catalog, none of these ever throws. */
export interface CatalogFollower {
  /** Something new is durable. */
  advance(): void;
  /** Bound of a writer's epoch that ended badly. */
  settle(writer: string, position: SegmentPosition): void;
  /**
   * After the coordinator's last record: catches up to the end.
   * @param stop its abort ends the wait at once
   */
  drain(patience: DrainPatience, stop?: AbortSignal): Promise<DrainResult>;
  /** Ends soon, also while there is much to catch up with: what is applied by then is committed. */
  close(): Promise<void>;
}

export type FollowerOptions = FollowTarget & FollowListener;

/** The built program; sources that are run as they are follow without a thread. */
const PROGRAM = new URL('./follower-thread.js', import.meta.url);
/** Beyond the time of a wait, before a thread that says nothing is given up. */
const ANSWER_MS = 2_000;
/** The same while it is in one of its long steps: SQLite says nothing in the middle of a statement. */
const LONG_STEP_MS = 600_000;

/** Starts following. The caller holds the data directory's lock, and has imported a former catalog. */
export function startFollower(options: FollowerOptions): CatalogFollower {
  const { dataDir, databaseName, scan } = options;
  const target: FollowTarget = { dataDir, databaseName, scan };
  return existsSync(fileURLToPath(PROGRAM))
    ? new ThreadFollower(target, options)
    : new Follow(target, options);
}

class ThreadFollower implements CatalogFollower {
  readonly #thread: Worker;
  readonly #listener: FollowListener;
  #wait: ThreadWait | null = null;
  /** Why the thread is gone; null while it runs. */
  #gone: string | null = null;
  #closing = false;

  constructor(target: FollowTarget, listener: FollowListener) {
    this.#listener = listener;
    this.#thread = new Worker(PROGRAM, { workerData: target, resourceLimits: THREAD_LIMITS });
    this.#thread.on('message', (message: FromFollower) => {
      this.#received(message);
    });
    this.#thread.on('error', (error) => {
      this.#ended(error.message);
    });
    this.#thread.on('exit', () => {
      this.#ended('its thread ended');
    });
  }

  advance(): void {
    this.#send({ type: 'advance' });
  }

  settle(writer: string, { epoch, segment, seq, crc, bytes }: SegmentPosition): void {
    this.#send({ type: 'settle', writer, position: { epoch, segment, seq, crc, bytes } });
  }

  async drain(patience: DrainPatience, stop?: AbortSignal): Promise<DrainResult> {
    if (this.#gone !== null) return { upToDate: false, detail: this.#gone };
    const wait = new ThreadWait(patience, stop);
    this.#wait = wait;
    this.#send({ type: 'drain', ...patience });
    const result = await wait.result;
    this.#wait = null;
    return result;
  }

  /** A thread that hangs in a dead file system is left behind: its lock and its life end with the process. */
  async close(): Promise<void> {
    if (this.#gone !== null) return;
    this.#closing = true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS);
      this.#thread.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#send({ type: 'close' });
    });
    if (!this.#hasEnded()) this.#thread.unref();
  }

  #hasEnded(): boolean {
    return this.#gone !== null;
  }

  #send(message: ToFollower): void {
    if (this.#gone === null) this.#thread.postMessage(message);
  }

  #received(message: FromFollower): void {
    switch (message.type) {
      case 'opened':
        this.#listener.onOpened(message.mode, message.reason);
        break;
      case 'trouble':
        this.#listener.onTrouble(message.code, message.detail);
        break;
      case 'recovered':
        this.#listener.onRecovered();
        break;
      case 'progress':
        this.#wait?.progressed(message.longStep);
        this.#listener.onProgress(message.bytesLeft, message.longStep);
        break;
      case 'drained':
        this.#wait?.end({ upToDate: message.upToDate, detail: message.detail });
        break;
    }
  }

  #ended(why: string): void {
    if (this.#gone !== null) return;
    this.#gone = why;
    if (!this.#closing) this.#listener.onTrouble('catalog.behind', why);
    this.#wait?.end({ upToDate: false, detail: why });
  }
}

/** One wait for the thread, by a clock of this side's own: a thread in a dead file system does not look at its own. */
class ThreadWait {
  readonly result: Promise<DrainResult>;
  readonly #patience: DrainPatience;
  #end: (result: DrainResult) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(patience: DrainPatience, stop?: AbortSignal) {
    this.#patience = patience;
    this.result = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#startTimer(patience.timeoutMs);
    const giveUp = (): void => {
      this.end(NOT_AWAITED);
    };
    if (stop?.aborted === true) giveUp();
    else stop?.addEventListener('abort', giveUp, { once: true });
  }

  progressed(longStep: boolean): void {
    if (this.#patience.patient) this.#startTimer(longStep ? LONG_STEP_MS : this.#patience.timeoutMs);
  }

  #startTimer(silenceMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.end({ upToDate: false, detail: 'it did not answer in time' });
    }, silenceMs + ANSWER_MS);
  }

  end(result: DrainResult): void {
    clearTimeout(this.#timer);
    this.#end(result);
  }
}
