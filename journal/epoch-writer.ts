import { dirname } from 'node:path';
import { monotonicFactory } from 'ulid';
import { DiskTrouble } from './disk-trouble.js';
import { JournalError } from './errors.js';
import { EVENT_VERSIONS, FORMAT } from './event-versions.js';
import type { CoordinatorRef, EventData, RecordRef } from './events/index.js';
import { jsonBytes } from './record.js';
import { EPOCH_START, refOf, SegmentWriter, type RecordDraft } from './segment-writer.js';
import { segmentPath, type AppendedRecord, type SegmentPosition } from './segments.js';
import { errnoName, NodeStorage, type FileOwner, type JournalStorage } from './storage.js';

/** A segment is sealed and the next one begun when it is this big. */
export const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
/** How long a full disk is waited for where the user says nothing. */
export const FULL_DISK_WAIT_MS = 600_000;
/** What the keys around `data` take at most. */
export const FRAME_BYTES_MAX = 512;
/** Names found taken in a row before something else must be wrong. */
const TAKEN_EPOCHS_MAX = 10_000;

export interface EpochWriterOptions {
  journalDir: string;
  scan: string;
  writer: string;
  hostname: string;
  /** First epoch to take; where its name is taken, the next free one. */
  epoch: number;
  /** This writer's last counted record, for `segment.opened`. */
  previous: RecordRef | null;
  /** The coordinator's newest durable record; null for the coordinator itself. */
  coordinator: CoordinatorRef | null;
  segmentBytesMax?: number;
  /** How long a full disk is waited for. */
  fullDiskWaitMs?: number;
  /** Bytes kept on disk for the last words once it is full; 0: none. */
  reserveBytes?: number;
  /**
   * Pauses stand in this writer's own journal, as `writer.paused` and `writer.continued`. The coordinator does without: it
   * tells of the scan's as a whole.
   */
  tellsPauses?: boolean;
  /** Once aborted, a full disk is not waited for any more. */
  endWait?: AbortSignal;
  /** The disk is full: records wait. */
  onPause?(error: JournalError): void;
  /** There is room again. */
  onContinue?(): void;
  storage?: JournalStorage;
  owner?: FileOwner;
  now?(): number;
}

/** A payload that has no place yet. */
export interface Payload {
  type: string;
  v: number;
  /** JSON, in UTF-8. */
  data: Uint8Array;
}

/**
 * Brings records to disk in order, one commit after the other, through full segments and failing disks:
 * after a failure the next epoch begins and holds again what was not acknowledged.
 */
export class EpochWriter {
  readonly #options: EpochWriterOptions;
  readonly #storage: JournalStorage;
  readonly #trouble: DiskTrouble;
  readonly #ulid = monotonicFactory();
  readonly #now: () => number;
  #segment: SegmentWriter | null = null;
  /** `segment.opened` of a segment that has nothing on disk yet. */
  #opening: RecordDraft | null = null;
  #epochNext: number;
  #previous: RecordRef | null;
  #durable: SegmentPosition | null = null;

  constructor(options: EpochWriterOptions) {
    this.#options = options;
    this.#storage = options.storage ?? new NodeStorage(options.owner);
    this.#now = () => options.now?.() ?? Date.now();
    this.#epochNext = options.epoch;
    this.#previous = options.previous;
    this.#trouble = new DiskTrouble({
      ...options,
      storage: this.#storage,
      folder: dirname(this.#path(1, 1)),
      fullDiskWaitMs: options.fullDiskWaitMs ?? FULL_DISK_WAIT_MS,
      reserveBytes: options.reserveBytes ?? 0,
      ...(options.tellsPauses === true ? { tellPause: (pause) => this.#tellPause(pause) } : {}),
      now: this.#now,
    });
  }

  get durable(): SegmentPosition | null {
    return this.#durable;
  }

  /** Occupies the reserve and opens the first segment. */
  async open(): Promise<void> {
    await this.#trouble.prepare();
    await this.commit([]);
  }

  /**
   * Writes until all is on disk, in as many new epochs as that takes.
   * @returns the record of each payload
   * @throws JournalError `no-segment` when the disk stays unusable
   */
  async commit(payloads: readonly Payload[]): Promise<AppendedRecord[]> {
    let drafts: RecordDraft[] | null = null;
    return this.#persist(payloads, async () => {
      const segment = await this.#segmentWithRoom(payloads.length > 0);
      // Once, and behind the words of a new segment: ids ascend, and who is written again keeps its own.
      drafts ??= payloads.map((payload) => this.#stamp(payload));
      return this.#write(segment, drafts);
    });
  }

  /** Seals the segment in hand, or the next one if that cannot be written any more. */
  async seal(): Promise<SegmentPosition> {
    return this.#persist([], async () => {
      const segment = await this.#segmentWithRoom(false);
      await this.#write(segment, []);
      const position = await segment.seal(this.#stamp({}));
      this.#acknowledge(position);
      return position;
    });
  }

  /** Closes the file, sealed or not, and gives the reserve back. */
  async close(): Promise<void> {
    await this.#abandon();
    await this.#trouble.close();
  }

  async #persist<T>(payloads: readonly Payload[], attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const done = await attempt();
        await this.#trouble.relieved();
        return done;
      } catch (error) {
        await this.#abandon();
        const pending = payloads.reduce(
          (sum, { data }) => sum + data.length + FRAME_BYTES_MAX,
          FRAME_BYTES_MAX,
        );
        await this.#trouble.overcome(error, this.#path(this.#epochNext, 1), pending);
      }
    }
  }

  async #write(segment: SegmentWriter, drafts: readonly RecordDraft[]): Promise<AppendedRecord[]> {
    const opening = this.#opening === null ? [] : [this.#opening];
    const seconds = this.#trouble.toldPauseSeconds;
    const words = seconds === null ? [] : [this.#wordOf('writer.continued', { seconds })];
    if (opening.length + drafts.length + words.length === 0) return [];
    const records = await segment.append([...opening, ...drafts, ...words]);
    this.#opening = null;
    this.#acknowledge(records.at(-1));
    return records.slice(opening.length, opening.length + drafts.length);
  }

  /**
   * Tells of a pause in a segment of its own, sealed, so that a reader knows it to be on disk while nothing can follow; the
   * epoch goes on in the next segment. False: there was no room even for that.
   */
  async #tellPause(data: EventData<'writer.paused'>): Promise<boolean> {
    try {
      const segment = await this.#beginEpoch();
      await this.#write(segment, [this.#wordOf('writer.paused', data)]);
      this.#acknowledge(await segment.seal(this.#stamp({})));
      return true;
    } catch (error) {
      await this.#abandon();
      // What else the disk has to say it says to the next record, too.
      if (!(error instanceof JournalError) && errnoName(error) === 'UNKNOWN') throw error;
      return false;
    }
  }

  #wordOf<T extends 'writer.paused' | 'writer.continued'>(type: T, data: EventData<T>): RecordDraft {
    return this.#stamp({ type, v: EVENT_VERSIONS[type], data: jsonBytes(data) });
  }

  /** The segment to write to: a full one is sealed first, a dead one has been abandoned before. */
  async #segmentWithRoom(mayRotate: boolean): Promise<SegmentWriter> {
    const current = this.#segment;
    if (current === null) return this.#beginEpoch();
    if (!current.sealed) {
      if (!mayRotate || current.bytes < (this.#options.segmentBytesMax ?? SEGMENT_BYTES_MAX)) return current;
      this.#acknowledge(await current.seal(this.#stamp({})));
    }
    await current.close();
    const { epoch, segment } = current.name;
    this.#segment = await this.#create(epoch, segment + 1, current.epochState);
    return this.#segment;
  }

  async #beginEpoch(): Promise<SegmentWriter> {
    for (let taken = 0; taken < TAKEN_EPOCHS_MAX; taken += 1) {
      const epoch = this.#epochNext;
      try {
        this.#segment = await this.#create(epoch, 1, EPOCH_START);
        this.#epochNext = epoch + 1;
        return this.#segment;
      } catch (error) {
        if (errnoName(error) !== 'EEXIST') throw error;
        this.#epochNext = epoch + 1;
      }
    }
    throw new JournalError('no-segment', `${this.#path(this.#epochNext, 1)}: every name is taken`);
  }

  async #create(epoch: number, segment: number, state: typeof EPOCH_START): Promise<SegmentWriter> {
    const { journalDir, scan, writer, hostname, coordinator } = this.#options;
    const created = await SegmentWriter.create(
      this.#storage,
      journalDir,
      { scan, writer, epoch, segment },
      state,
    );
    const data = { format: FORMAT, hostname, segment, previous: this.#previous, coordinator };
    const v = EVENT_VERSIONS['segment.opened'];
    this.#opening = this.#stamp({ type: 'segment.opened', v, data: jsonBytes(data) });
    return created;
  }

  async #abandon(): Promise<void> {
    const dead = this.#segment;
    this.#segment = null;
    this.#opening = null;
    try {
      await dead?.close();
    } catch {
      // Its records are on disk or will be written again: what close has to say changes neither.
    }
  }

  #acknowledge(position: SegmentPosition | undefined): void {
    if (position === undefined) return;
    this.#durable = position;
    this.#previous = refOf(position);
  }

  #stamp<T extends object>(fields: T): T & { id: string; at: string } {
    const nowMs = this.#now();
    return { ...fields, id: this.#ulid(nowMs), at: new Date(nowMs).toISOString() };
  }

  #path(epoch: number, segment: number): string {
    const { journalDir, scan, writer } = this.#options;
    return segmentPath(journalDir, { scan, writer, epoch, segment });
  }
}
