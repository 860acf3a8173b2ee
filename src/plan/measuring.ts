import type { ChildProcess } from 'node:child_process';
import { forkHelper } from '../fork-helper.js';
import { MountTable } from '../walk/mounts.js';
import { errnoName } from '../walk/system-error.js';
import { PlanError } from './errors.js';
import { Measurer, type Measured, type MeasureOptions } from './measure.js';

/** Directories measured at once: a local disk's head should not thrash, latency should be hidden. */
const LOCAL_AT_ONCE = 4;
const REMOTE_AT_ONCE = 32;
/** Threads of the helper: hung calls must not use them all up at once. */
const HELPER_THREADS = 128;
/** Within this the helper has started, or never does: Node may get stuck where no more threads are allowed. */
const START_MS_MAX = 30_000;

export type OnProgress = () => boolean;

/** Where directories are measured. */
export interface Measuring {
  /** Whether any operation may take for ever: then it is better not to touch what no worker has recorded yet. */
  readonly mayHang: boolean;
  readonly atOnce: number;
  /** Resolves when it can measure, or has `ended`. */
  readonly ready: Promise<void>;
  /** Measurements that have not ended. */
  readonly pending: number;
  /** Whether it can measure nothing any more: its process is gone. */
  readonly ended: boolean;
  /** What is measured from now on is measured so. */
  configure(options: MeasureOptions): void;
  /** @throws PlanError `measuring-failed`. `onProgress` returning false leaves the rest */
  measure(path: string, namesOnly: boolean, onProgress: OnProgress): Promise<Measured>;
  /** Never waits for what hangs. */
  close(): void;
}

/** A file system that may hang is measured by a disposable process, a local one right here. */
export function createMeasuring(mountPath: string, startMsMax = START_MS_MAX): Measuring {
  return MountTable.read().isLocal(mountPath) ? new LocalMeasuring() : new HelperMeasuring(startMsMax);
}

class LocalMeasuring implements Measuring {
  readonly mayHang = false;
  readonly atOnce = LOCAL_AT_ONCE;
  readonly ready = Promise.resolve();
  readonly pending = 0;
  readonly ended = false;
  #measurer: Measurer | null = null;

  configure(options: MeasureOptions): void {
    this.#measurer = new Measurer(options);
  }

  async measure(path: string, namesOnly: boolean, onProgress: OnProgress): Promise<Measured> {
    if (this.#measurer === null) throw new PlanError('measuring-failed', 'EINVAL', path);
    try {
      return await this.#measurer.measure(path, namesOnly, onProgress);
    } catch (error) {
      throw new PlanError('measuring-failed', errnoName(error), path);
    }
  }

  close(): void {
    // Nothing runs on: a measurement ends with the call it is in.
  }
}

/** To the helper: measure so from now on, measure this, or leave it. */
export type MeasureRequest =
  | { options: MeasureOptions }
  | { id: number; path: string; namesOnly: boolean }
  | { id: number; leave: true };
/** From the helper. */
export type MeasureReply =
  | { kind: 'ready' }
  | { kind: 'progress'; id: number }
  | { kind: 'measured'; id: number; measured: Measured }
  | { kind: 'failed'; id: number; errno: string };

interface Pending {
  path: string;
  onProgress: OnProgress;
  resolve(measured: Measured): void;
  reject(error: PlanError): void;
}

class HelperMeasuring implements Measuring {
  readonly mayHang = true;
  readonly atOnce = REMOTE_AT_ONCE;
  readonly ready: Promise<void>;
  readonly #helper: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #gone = false;

  constructor(startMsMax: number) {
    this.#helper = forkHelper(new URL('./measure-helper.js', import.meta.url), [], HELPER_THREADS);
    this.ready = new Promise((resolve) => {
      const late = setTimeout(() => {
        this.close();
        resolve();
      }, startMsMax).unref();
      this.#helper.once('message', () => {
        clearTimeout(late);
        // Whoever waits for an answer has a timer of its own; nobody else is kept from ending.
        this.#helper.unref();
        this.#helper.channel?.unref();
        resolve();
      });
      this.#helper.once('exit', () => resolve());
      this.#helper.once('error', () => resolve());
    });
    this.#helper.on('message', (reply: MeasureReply) => this.#onReply(reply));
    this.#helper.on('exit', () => this.#onGone());
    this.#helper.on('error', () => this.#onGone());
  }

  get pending(): number {
    return this.#pending.size;
  }

  get ended(): boolean {
    return this.#gone;
  }

  configure(options: MeasureOptions): void {
    if (!this.#gone) this.#send({ options });
  }

  measure(path: string, namesOnly: boolean, onProgress: OnProgress): Promise<Measured> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(new PlanError('measuring-failed', 'EPIPE', path));
        return;
      }
      this.#pending.set(id, { path, onProgress, resolve, reject });
      this.#send({ id, path, namesOnly });
    });
  }

  close(): void {
    this.#onGone(); // it may hang in the kernel: then nobody hears of its end
    this.#helper.kill('SIGKILL');
    this.#helper.unref();
    if (this.#helper.connected) this.#helper.disconnect();
  }

  #send(request: MeasureRequest): void {
    this.#helper.send(request, (error) => {
      if (error !== null) this.#onGone();
    });
  }

  #onReply(reply: MeasureReply): void {
    if (reply.kind === 'ready') return;
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    if (reply.kind === 'progress') {
      if (!pending.onProgress()) this.#send({ id: reply.id, leave: true });
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.kind === 'measured') pending.resolve(reply.measured);
    else pending.reject(new PlanError('measuring-failed', reply.errno, pending.path));
  }

  #onGone(): void {
    this.#gone = true;
    for (const pending of this.#pending.values()) {
      pending.reject(new PlanError('measuring-failed', 'EPIPE', pending.path));
    }
    this.#pending.clear();
  }
}
