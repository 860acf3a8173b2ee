import { EpochWriter, FRAME_BYTES_MAX, type EpochWriterOptions } from './epoch-writer.js';
import { JournalError } from './errors.js';
import { EVENT_VERSIONS } from './event-versions.js';
import type { EventData, EventType } from './events/index.js';
import { jsonBytes, RECORD_BYTES_MAX } from './record.js';
import type { AppendedRecord, SegmentPosition } from './segments.js';
import { messageOf } from './storage.js';

export { FULL_DISK_WAIT_MS, SEGMENT_BYTES_MAX } from './epoch-writer.js';

const LF = 0x0a;
/** Most payload in one write: bounds the memory of a flush and what is written again after a failed one. */
const FLUSH_BYTES_MAX = 4 * 1024 * 1024;
const FLUSH_RECORDS_MAX = 4096;
/** `files.batch` may wait for company until this much is queued … */
const GATHER_BYTES = 1024 * 1024;
/** … or for this long. */
const GATHER_MS = 200;

export interface JournalWriterOptions extends EpochWriterOptions {
  /** Checks a payload, throwing JournalError `invalid-event`; workers do without (see validate.ts). */
  validate?(type: EventType, data: unknown): void;
}

interface Entry {
  type: EventType;
  v: number;
  data: Uint8Array;
  resolve(record: AppendedRecord): void;
  reject(error: Error): void;
}

/** Appends one writer's records: many callers, one write and one fdatasync for all that queued meanwhile. */
export class JournalWriter {
  readonly #disk: EpochWriter;
  readonly #validate: JournalWriterOptions['validate'];
  #queue: Entry[] = [];
  #queuedBytes = 0;
  #urgent = false;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #failure: JournalError | null = null;
  #closed = false;

  private constructor(disk: EpochWriter, validate: JournalWriterOptions['validate']) {
    this.#disk = disk;
    this.#validate = validate;
  }

  /** Opens the first segment; its `segment.opened` is on disk when this resolves. */
  static async open(options: JournalWriterOptions): Promise<JournalWriter> {
    const disk = new EpochWriter(options);
    await disk.open();
    return new JournalWriter(disk, options.validate?.bind(options));
  }

  /** Resolves with the record's place and time once it is on disk. */
  append<T extends EventType>(type: T, data: EventData<T>): Promise<AppendedRecord> {
    try {
      this.#validate?.(type, data);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return this.appendJson(type, EVENT_VERSIONS[type], jsonBytes(data));
  }

  /**
   * The same for a payload that is JSON already, in UTF-8: neither checked nor serialised again. Its bytes must stay as they
   * are until this resolves.
   */
  appendJson(type: EventType, v: number, data: Uint8Array): Promise<AppendedRecord> {
    const refusal = this.#refusal(type, data);
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.#queue.push({ type, v, data, resolve, reject });
      this.#queuedBytes += data.length;
      if (type !== 'files.batch') this.#urgent = true;
      this.#schedule();
    });
  }

  /** The last record known to be on disk. */
  get durable(): SegmentPosition | null {
    return this.#disk.durable;
  }

  /** Payload queued and not yet on disk: who produces waits while this is high. */
  get pendingBytes(): number {
    return this.#queuedBytes;
  }

  /** What waits for company is written at once: nothing more will come for a while. */
  flush(): void {
    if (this.#queue.length === 0) return;
    this.#urgent = true;
    this.#schedule();
  }

  /** Writes what is queued, seals and closes. Resolves with the place of the seal. */
  async close(): Promise<SegmentPosition> {
    this.#closed = true;
    this.flush();
    while (this.#flushing !== null) await this.#flushing;
    try {
      if (this.#failure !== null) throw this.#failure;
      return await this.#disk.seal();
    } finally {
      await this.#disk.close();
    }
  }

  #refusal(type: EventType, data: Uint8Array): JournalError | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#closed) return new JournalError('writer-closed', `${type}: the writer is closed`);
    if (data.length + FRAME_BYTES_MAX > RECORD_BYTES_MAX)
      return new JournalError('record-too-large', `a ${type} record of ${data.length} bytes does not fit`);
    if (data.includes(LF)) return new JournalError('invalid-event', `${type}: its JSON has line feeds`);
    return null;
  }

  #schedule(): void {
    if (this.#flushing !== null) return;
    if (this.#urgent || this.#queuedBytes >= GATHER_BYTES) {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
      this.#flushing = this.#flush();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#urgent = true;
        this.#schedule();
      }, GATHER_MS);
    }
  }

  /** Never rejects: each entry's own promise tells. */
  async #flush(): Promise<void> {
    // Appends of the same turn belong to the same write.
    await Promise.resolve();
    while (this.#queue.length > 0 && (this.#urgent || this.#queuedBytes >= GATHER_BYTES)) {
      const batch = this.#take();
      try {
        const records = await this.#disk.commit(batch);
        this.#settle(batch, (entry, i) => {
          const record = records[i];
          if (record !== undefined) entry.resolve(record);
        });
      } catch (error) {
        const failure =
          error instanceof JournalError ? error : new JournalError('io', messageOf(error), { cause: error });
        this.#failure = failure;
        this.#settle([...batch, ...this.#queue.splice(0)], (entry) => {
          entry.reject(failure);
        });
      }
    }
    this.#flushing = null;
    if (this.#queue.length > 0) this.#schedule();
  }

  #settle(batch: readonly Entry[], answer: (entry: Entry, i: number) => void): void {
    for (const entry of batch) this.#queuedBytes -= entry.data.length;
    batch.forEach(answer);
  }

  #take(): Entry[] {
    let bytes = 0;
    let count = 0;
    while (count < Math.min(this.#queue.length, FLUSH_RECORDS_MAX) && bytes < FLUSH_BYTES_MAX) {
      bytes += this.#queue[count]?.data.length ?? 0;
      count += 1;
    }
    const batch = this.#queue.splice(0, count);
    this.#urgent = this.#closed || this.#queue.some((entry) => entry.type !== 'files.batch');
    return batch;
  }
}
