import { statfsSync } from 'node:fs';
import type { SegmentPosition } from '../journal/segments.js';
import { Drain, NOT_AWAITED, type DrainPatience, type DrainResult } from './drain.js';
import { ProjectionError } from './errors.js';
import { FollowSession, type FollowTarget, type FollowWatcher } from './follow-session.js';

/** Also without being told, it looks this often. */
const POLL_MS = 300;
/** Pause after a failure, doubled each time up to the most. */
const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;
/** A lock held for less is no trouble worth telling. */
const LOCKED_TROUBLE_MS = 5_000;
/** Between two words about progress. */
const PROGRESS_MS = 500;

/** The last of a disk is the journal's: each try on a full one would take what is kept for the scan's last words. */
const ROOM_MIN_BYTES = 1024 ** 2;

export type TroubleCode = 'catalog.locked' | 'catalog.unwritable' | 'catalog.behind';

export interface FollowListener {
  onOpened(mode: string, reason: string): void;
  onTrouble(code: TroubleCode, detail: string): void;
  onRecovered(): void;
  /**
   * Records are being applied while somebody waits for the last of them: told now and then.
   * @param bytesLeft of the followed scan's journal, about; null where that is not known
   * @param longStep until the next word there may be none for minutes
   */
  onProgress(bytesLeft: number | null, longStep: boolean): void;
}

/**
 * Follows a running scan into the catalog. Nothing that happens to the catalog stops it: it closes, waits, opens again
 * or rebuilds, and goes on from the checkpoints; the journal has every record meanwhile.
 */
export class Follow {
  readonly #target: FollowTarget;
  readonly #listener: FollowListener;
  readonly #now: () => number;
  #session: FollowSession | null = null;
  /** Told before a session was there: it must know them too. */
  readonly #settled: [string, SegmentPosition][] = [];
  #drain: Drain | null = null;
  readonly #stop = new AbortController();
  #progressTold = { atMs: -Infinity, longStep: false };
  #wake: (() => void) | null = null;
  #woken = false;
  #retryMs = 0;
  #failingSinceMs = 0;
  #troubleTold: TroubleCode | null = null;
  #openedTold = '';
  #lastError = '';
  readonly #ended: Promise<void>;

  constructor(target: FollowTarget, listener: FollowListener, now: () => number = () => performance.now()) {
    this.#target = target;
    this.#listener = listener;
    this.#now = now;
    this.#ended = this.#run();
  }

  /** Something new is durable. */
  advance(): void {
    this.#woken = true;
    this.#wake?.();
  }

  settle(writer: string, position: SegmentPosition): void {
    this.#settled.push([writer, position]);
    this.#session?.settle(writer, position);
    this.advance();
  }

  /**
   * The scan has written its last record: catches up to the end, and says whether it could in time.
   * @param stop its abort ends the wait at once
   */
  drain(patience: DrainPatience, stop?: AbortSignal): Promise<DrainResult> {
    return new Promise((resolve) => {
      const drain = new Drain(patience, this.#now(), resolve);
      this.#drain = drain;
      this.#retryMs = 0;
      const giveUp = (): void => {
        if (this.#drain === drain) this.#drain = null;
        drain.answer(NOT_AWAITED);
      };
      if (stop?.aborted === true) giveUp();
      else stop?.addEventListener('abort', giveUp, { once: true });
      this.#measure();
      this.advance();
    });
  }

  /** Ends soon, also in the middle of a long round: what is applied by then is committed. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.advance();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      const drain = this.#drain;
      try {
        const idle = await this.#step(drain === null ? 'durable' : 'valid');
        this.#recovered();
        if (drain !== null && drain === this.#drain && idle) this.#finish(drain);
      } catch (error) {
        if (this.#isClosed()) break;
        await this.#failed(error);
        if (error instanceof NoRoom && this.#drain?.patience.patient === false)
          this.#answer(this.#drain, false);
      }
      this.#lookAtTime();
      const busy = this.#drain !== null && this.#retryMs === 0;
      if (!busy) await this.#pause(this.#retryMs === 0 ? POLL_MS : this.#retryMs);
    }
    if (this.#drain !== null) this.#answer(this.#drain, false);
    await this.#session?.close();
  }

  /** One look at everything. True: there was nothing new. */
  async #step(trust: 'durable' | 'valid'): Promise<boolean> {
    leaveRoom(this.#target.dataDir);
    if (this.#session === null) {
      const session = await FollowSession.open(this.#target, this.#watcher);
      for (const [writer, position] of this.#settled) session.settle(writer, position);
      this.#session = session;
      const { mode, reason } = session;
      if (this.#openedTold !== mode) this.#listener.onOpened(mode, reason);
      this.#openedTold = mode;
      if (this.#drain !== null) this.#measure();
    }
    return (await this.#session.round(trust)) === 0;
  }

  #isClosed(): boolean {
    return this.#stop.signal.aborted;
  }

  readonly #watcher: FollowWatcher = {
    stop: this.#stop.signal,
    onProgress: (kept, longStep = false) => {
      this.#progressed(kept, longStep);
    },
    onRebuild: (reason) => {
      this.#drain?.rebuilt();
      this.#tell('catalog.behind', `it is built anew: ${reason}`);
    },
  };

  #progressed(kept: boolean, longStep: boolean): void {
    const now = this.#now();
    this.#drain?.progressed(now, kept);
    this.#lookAtTime();
    const told = this.#progressTold;
    if (this.#drain === null || (now - told.atMs < PROGRESS_MS && longStep === told.longStep)) return;
    this.#progressTold = { atMs: now, longStep };
    this.#listener.onProgress(longStep ? null : (this.#session?.bytesLeft ?? null), longStep);
  }

  #lookAtTime(): void {
    if (this.#drain !== null && this.#now() >= this.#drain.deadlineMs) this.#answer(this.#drain, false);
  }

  /** How much is left is only told: whatever hinders the look hinders the round too, which says so. */
  #measure(): void {
    this.#session?.measure().catch(() => undefined);
  }

  #finish(drain: Drain): void {
    this.#session?.finish();
    this.#answer(drain, true);
  }

  #answer(drain: Drain, upToDate: boolean): void {
    this.#drain = null;
    const detail = this.#lastError === '' ? 'it did not catch up in time' : this.#lastError;
    drain.answer({ upToDate, detail: upToDate ? '' : detail });
  }

  #recovered(): void {
    this.#retryMs = 0;
    this.#failingSinceMs = 0;
    this.#lastError = '';
    if (this.#troubleTold !== null) this.#listener.onRecovered();
    this.#troubleTold = null;
  }

  async #failed(error: unknown): Promise<void> {
    const now = this.#now();
    this.#drain?.failed();
    this.#lastError = error instanceof Error ? error.message : String(error);
    if (this.#failingSinceMs === 0) this.#failingSinceMs = now;
    const session = this.#session;
    this.#session = null;
    try {
      await session?.close();
    } catch (cause) {
      // What cannot be closed either is let go; the next session opens the path anew.
      this.#lastError += `; ${cause instanceof Error ? cause.message : String(cause)}`;
    }
    const code = error instanceof ProjectionError ? error.code : null;
    // A file that was taken away is made anew at once.
    if (code === 'catalog-missing' && now - this.#failingSinceMs < RETRY_MS) {
      this.#tell('catalog.behind', this.#lastError);
      return;
    }
    if (code === 'catalog-locked') {
      if (now - this.#failingSinceMs >= LOCKED_TROUBLE_MS) this.#tell('catalog.locked', this.#lastError);
    } else
      this.#tell(code === 'catalog-unwritable' ? 'catalog.unwritable' : 'catalog.behind', this.#lastError);
    this.#retryMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS, this.#retryMs * 2));
  }

  #tell(code: TroubleCode, detail: string): void {
    if (this.#troubleTold === code) return;
    this.#troubleTold = code;
    this.#listener.onTrouble(code, detail);
  }

  async #pause(timeoutMs: number): Promise<void> {
    const untilDrain = this.#drain === null ? Infinity : Math.max(0, this.#drain.deadlineMs - this.#now());
    const failing = this.#retryMs > 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(timeoutMs, untilDrain));
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      // After a failure only time, or the end, is worth another try.
      this.#wake = (): void => {
        if (!failing || this.#isClosed() || this.#retryMs === 0) wake();
      };
      if (this.#woken) this.#wake();
      this.#woken = false;
    });
    this.#wake = null;
    this.#woken = false;
  }
}

/** The disk is as good as full. */
class NoRoom extends ProjectionError {
  constructor(dataDir: string) {
    super('catalog-unwritable', `the disk of ${dataDir} is full: the rest is kept for the journal`);
  }
}

/** @throws NoRoom */
function leaveRoom(dataDir: string): void {
  const { bavail, bsize } = statfsSync(dataDir);
  if (bavail * bsize >= ROOM_MIN_BYTES) return;
  throw new NoRoom(dataDir);
}
