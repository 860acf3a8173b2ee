import { existsSync, rmSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { JournalError, type JournalErrorCode } from '../journal/errors.js';
import { batchesOf } from '../journal/reader.js';
import type { Recovered } from '../journal/recover.js';
import { THREAD_LIMITS } from '../journal/thread-limits.js';
import { ProjectionError, type ProjectionErrorCode } from './errors.js';
import { recordsOf, type FedRecord, type RecordBlock } from './record-block.js';
import { makeImageHead } from './staged-rows.js';

/** What of a scan is to be read. */
export interface FeedTask {
  type: 'read';
  journalDir: string;
  counted: Recovered['counted'];
  repeated: Recovered['repeated'];
}

export type ToFeedThread = FeedTask | { type: 'back'; image: string; memory: ArrayBuffer };

/** What the thread is given at its start. */
export interface FeedWorkplace {
  /** Page 1 of an image, and the files to write images to, in turn. */
  head: Uint8Array;
  images: string[];
}

interface Failure {
  message: string;
  path: string | undefined;
  hint: string | undefined;
}

export type FromFeedThread =
  | { type: 'block'; block: RecordBlock; image: string; hasRows: boolean }
  | { type: 'end' }
  | ({ type: 'failed'; of: 'journal'; code: JournalErrorCode } & Failure)
  | ({ type: 'failed'; of: 'projection'; code: ProjectionErrorCode } & Failure);

/** Some records, and the image that the rows of those stand in whose batch is a `StagedBatch`. */
export interface FedRecords {
  records: readonly FedRecord[];
  image: string | null;
}

/** The built program; sources run as they are have no thread. */
const PROGRAM = new URL('./record-feed-thread.js', import.meta.url);
/** One that is being written, one that waits, one that is being read. */
const IMAGES = 3;

/** Reads the records that count, in a thread of its own where that is worth it: SQLite has a processor for itself then. */
export class RecordFeed {
  readonly #journalDir: string;
  readonly #images: string[];
  readonly #thread: Worker | null;
  /** Whether the thread came up. */
  readonly #isUp: Promise<boolean>;
  readonly #arrived: FromFeedThread[] = [];
  #wake: (() => void) | null = null;

  /**
   * @param place of the files for images, which are removed at the end: what their paths begin with
   * @param inThread whether it is worth a thread
   */
  constructor(journalDir: string, place: string, inThread: boolean) {
    this.#journalDir = journalDir;
    this.#images = Array.from({ length: IMAGES }, (_, i) => `${place}-rows${i + 1}`);
    this.#removeImages(); // of a replay that was killed
    const thread = inThread && existsSync(fileURLToPath(PROGRAM)) ? this.#start() : null;
    this.#thread = thread;
    this.#isUp = new Promise((resolve) => {
      if (thread === null) resolve(false);
      thread?.once('online', () => {
        resolve(true);
      });
      thread?.on('error', (error) => {
        resolve(false);
        this.#take({
          type: 'failed',
          of: 'journal',
          code: 'io',
          message: error.message,
          path: undefined,
          hint: undefined,
        });
      });
    });
    thread?.on('message', (message: FromFeedThread) => {
      this.#take(message);
    });
  }

  #start(): Worker {
    const workerData: FeedWorkplace = { head: makeImageHead(), images: this.#images };
    return new Worker(PROGRAM, { resourceLimits: THREAD_LIMITS, workerData });
  }

  /**
   * The records of a scan in reading order, some at a time: good until the next ones are asked for.
   * @throws JournalError, ProjectionError
   */
  async *read({ counted, repeated }: Pick<Recovered, 'counted' | 'repeated'>): AsyncGenerator<FedRecords> {
    const thread = (await this.#isUp) ? this.#thread : null;
    if (thread === null) {
      for (const file of counted) {
        for await (const batch of batchesOf(this.#journalDir, file, repeated))
          yield { records: batch.map((read) => ({ read })), image: null };
      }
      return;
    }
    const tell = (message: ToFeedThread, handedOver: ArrayBuffer[] = []): void => {
      thread.postMessage(message, handedOver);
    };
    tell({ type: 'read', journalDir: this.#journalDir, counted, repeated });
    for (;;) {
      const message = await this.#next();
      if (message.type === 'end') return;
      if (message.type === 'failed') throw errorOf(message);
      const { block, image, hasRows } = message;
      yield { records: recordsOf(block), image: hasRows ? image : null };
      tell({ type: 'back', image, memory: block.memory }, [block.memory]);
    }
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#removeImages();
  }

  #removeImages(): void {
    for (const image of this.#images) rmSync(image, { force: true });
  }

  #take(message: FromFeedThread): void {
    this.#arrived.push(message);
    this.#wake?.();
  }

  async #next(): Promise<FromFeedThread> {
    for (;;) {
      // A port hands over a thousand messages before anything else has its turn: a signal would wait for them all.
      await breathe();
      const message = this.#arrived.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function errorOf(failed: Extract<FromFeedThread, { type: 'failed' }>): Error {
  const { message, path, hint } = failed;
  const options = { ...(path === undefined ? {} : { path }), ...(hint === undefined ? {} : { hint }) };
  return failed.of === 'journal'
    ? new JournalError(failed.code, message, options)
    : new ProjectionError(failed.code, message, options);
}
