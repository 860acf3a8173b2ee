import type { ChildProcess } from 'node:child_process';
import { forkHelper } from '../fork-helper.js';
import type { HelperRequest } from './async-helper.js';
import type { Lister, ListerEvents } from './lister.js';
import type { DirectoryJob, ListerAnswer, ListerOptions } from './protocol.js';
import { Tuner, type TunerLimits } from './tuner.js';

/** Threads of a helper beyond the operations at once: each that hangs keeps one. */
const SPARE_THREADS = 32;

interface Helper {
  process: ChildProcess;
  jobs: Set<number>;
  stuck: number;
}

/**
 * Listing processes. One that has too many hung operations gets no more jobs and another takes over; in the end all
 * are killed and never waited for, as a process stuck in a dead mount survives even SIGKILL.
 */
export class ProcessLister implements Lister {
  readonly kind = 'process';
  readonly #options: ListerOptions;
  readonly #events: ListerEvents;
  readonly #limits: TunerLimits;
  readonly #tuner: Tuner;
  readonly #helpers = new Set<Helper>();
  #current: Helper;
  /** Directories at once that were told as the best, 0 before. */
  #told = 0;
  #closed = false;

  constructor(options: ListerOptions, limits: TunerLimits, events: ListerEvents) {
    this.#options = options;
    this.#limits = limits;
    this.#events = events;
    this.#tuner = new Tuner(limits, performance.now());
    this.#current = this.#start();
  }

  get atOnce(): number {
    return this.#tuner.atOnce;
  }

  get wants(): number {
    return this.#closed ? 0 : Math.max(0, this.#tuner.atOnce - this.#jobsOut);
  }

  get #jobsOut(): number {
    let out = 0;
    for (const helper of this.#helpers) out += helper.jobs.size;
    return out;
  }

  list(jobs: DirectoryJob[]): void {
    if (this.#current.stuck >= SPARE_THREADS) this.#current = this.#start();
    for (const job of jobs) this.#current.jobs.add(job.id);
    this.#send(this.#current, { jobs, atOnce: this.#tuner.atOnce });
  }

  acknowledge(): void {
    for (const helper of this.#helpers) this.#send(helper, { acknowledged: true });
  }

  close(): void {
    this.#closed = true;
    for (const helper of this.#helpers) this.#leave(helper);
  }

  #start(): Helper {
    const program = new URL('./async-helper.js', import.meta.url);
    const child = forkHelper(program, [JSON.stringify(this.#options)], this.#limits.max + SPARE_THREADS);
    const helper: Helper = { process: child, jobs: new Set(), stuck: 0 };
    this.#helpers.add(helper);
    child.on('message', (answer: ListerAnswer) => {
      if (!this.#closed) this.#onAnswer(helper, answer);
    });
    const failed = (why: string): void => {
      if (this.#closed || !this.#helpers.delete(helper)) return;
      this.#events.onFailed(new Error(`the listing process ended: ${why}`));
    };
    child.on('error', (error) => failed(error.message));
    child.on('exit', (code, signal) => failed(signal ?? String(code)));
    return helper;
  }

  #onAnswer(helper: Helper, answer: ListerAnswer): void {
    const saturated = helper.jobs.size >= this.#tuner.atOnce;
    for (const id of answer.done) helper.jobs.delete(id);
    helper.stuck = answer.stuck;
    this.#tuner.push(answer.operations, saturated, performance.now());
    if (this.#tuner.settled && this.#tuner.atOnce !== this.#told) {
      this.#told = this.#tuner.atOnce;
      this.#events.onTuned(this.#told);
    }
    if (helper !== this.#current && helper.jobs.size === 0) this.#leave(helper);
    this.#events.onAnswer(answer);
  }

  #leave(helper: Helper): void {
    this.#helpers.delete(helper);
    helper.process.kill('SIGKILL');
    helper.process.unref();
    if (helper.process.connected) helper.process.disconnect();
  }

  #send(helper: Helper, request: HelperRequest): void {
    helper.process.send(request, () => undefined); // one that is gone is noticed by its exit
  }
}
