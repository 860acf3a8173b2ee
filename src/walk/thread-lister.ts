import { Worker } from 'node:worker_threads';
import { THREAD_LIMITS } from '../../journal/thread-limits.js';
import { RECORD_BYTES_TARGET } from '../../journal/record.js';
import type { Lister, ListerEvents } from './lister.js';
import {
  OPERATIONS,
  PROGRESS,
  type DirectoryJob,
  type ListerAnswer,
  type ListerOptions,
} from './protocol.js';

/** Lists of jobs with the thread at once: one it works on and one it finds when done. */
const LISTS_AT_ONCE = 2;
const JOBS_AT_FIRST = 4;
const JOBS_MAX = 512;
/** And no longer than this by what the last directories took: what is handed out cannot be given away. */
const LIST_MS = 1000;
/** The watchdog looks this often within the timeout, and at least once a second. */
const LOOKS_PER_TIMEOUT = 8;
const LOOK_MS_MAX = 1000;

/** A listing thread of this process and the watchdog over it. */
export class ThreadLister implements Lister {
  readonly kind = 'thread';
  readonly atOnce = 1;
  readonly #thread: Worker;
  readonly #progress = new Int32Array(new SharedArrayBuffer(PROGRESS.words * Int32Array.BYTES_PER_ELEMENT));
  readonly #events: ListerEvents;
  readonly #timer: NodeJS.Timeout;
  readonly #looksMax: number;
  readonly #jobs = new Map<number, DirectoryJob>();
  #lists: number[][] = [];
  #jobsPerList: number;
  /** Time spent since the last directory was done. */
  #spentMs = 0;
  #seenBeats = 0;
  #looks = 0;
  #closed = false;

  constructor(options: ListerOptions, events: ListerEvents) {
    this.#events = events;
    this.#jobsPerList = options.checksum === 'full' ? 1 : JOBS_AT_FIRST;
    const lookMs = Math.min(LOOK_MS_MAX, options.ioTimeoutMs / LOOKS_PER_TIMEOUT);
    this.#looksMax = Math.ceil(options.ioTimeoutMs / lookMs);
    this.#thread = new Worker(new URL('./sync-thread.js', import.meta.url), {
      workerData: { options, progress: this.#progress },
      resourceLimits: THREAD_LIMITS,
    });
    this.#thread.on('message', (answer: ListerAnswer) => {
      if (!this.#closed) this.#onAnswer(answer);
    });
    this.#thread.on('error', (error) => {
      if (!this.#closed) events.onFailed(error);
    });
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  get wants(): number {
    return this.#lists.length < LISTS_AT_ONCE && !this.#closed ? this.#jobsPerList : 0;
  }

  list(jobs: DirectoryJob[]): void {
    for (const job of jobs) this.#jobs.set(job.id, job);
    this.#lists.push(jobs.map((job) => job.id));
    this.#thread.postMessage(jobs);
  }

  acknowledge(): void {
    Atomics.sub(this.#progress, PROGRESS.unread, 1);
    Atomics.notify(this.#progress, PROGRESS.unread);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#thread.unref();
    void this.#thread.terminate();
  }

  #onAnswer(answer: ListerAnswer): void {
    for (const id of answer.done) this.#jobs.delete(id);
    const last = answer.done.at(-1);
    const first = this.#lists[0];
    if (first !== undefined && last !== undefined && first.at(-1) === last) this.#lists.shift();
    this.#aim(answer);
    this.#events.onAnswer(answer);
  }

  /** Lists as long as one record holds: fewer and fuller records, and as little as possible to do again. */
  #aim({ data, done, operationsMs }: ListerAnswer): void {
    this.#spentMs += operationsMs;
    if (done.length === 0) return;
    const inTime = Math.ceil((LIST_MS / this.#spentMs) * done.length);
    this.#spentMs = 0;
    if (data === null) return;
    const fitting = Math.floor((RECORD_BYTES_TARGET / data.length) * done.length);
    const aimed = Math.ceil((this.#jobsPerList + fitting) / 2);
    this.#jobsPerList = Math.max(1, Math.min(JOBS_MAX, aimed, inTime));
  }

  /** Counts looks without progress, not time: a suspended machine is not a hung mount. */
  #look(): void {
    const beats = Atomics.load(this.#progress, PROGRESS.beats);
    const waits = Atomics.load(this.#progress, PROGRESS.waits) !== 0;
    const job = this.#jobs.get(Atomics.load(this.#progress, PROGRESS.jobId));
    if (beats !== this.#seenBeats || waits || job === undefined) {
      this.#seenBeats = beats;
      this.#looks = 0;
      return;
    }
    this.#looks += 1;
    if (this.#looks < this.#looksMax) return;
    this.#jobs.delete(job.id);
    const operation = OPERATIONS[Atomics.load(this.#progress, PROGRESS.operation)] ?? 'lstat';
    this.close();
    this.#events.onHung({ job, operation, unlisted: [...this.#jobs.values()] });
  }
}
