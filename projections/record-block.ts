import type { JournalEvent } from '../journal/events/index.js';
import { EVENT_VERSIONS } from '../journal/event-versions.js';
import { indexFiles } from '../journal/files-index.js';
import {
  carried,
  carry,
  headOf,
  LazyBatch,
  type BatchDirectories,
  type BatchHead,
} from '../journal/indexed-batch.js';
import type { ReadRecord } from '../journal/reader.js';
import { RawRecord, RECORD_BYTES_TARGET, type RecordHeader } from '../journal/record.js';
import { plainSums } from './plain-directories.js';
import type { RowImage, Staged } from './row-image.js';

/** A record and, where its thread has read it already, its event. */
export interface FedRecord {
  read: ReadRecord;
  event?: JournalEvent;
}

/** What goes with a record whose plain rows another thread has written into an image. */
export interface StagedHead {
  head: BatchHead;
  staged: Staged;
  /** See `carry`; null where hardly anybody will ask for its directories. */
  carried: string | null;
}

/** A batch whose plain rows stand in an image: `plain` has none. */
export class StagedBatch extends LazyBatch {
  readonly staged: Staged;

  constructor({ head, staged, carried: json }: StagedHead, bytes: Buffer) {
    super(head, bytes, () => (json === null ? readAgain(bytes) : carried(json, bytes)));
    this.staged = staged;
  }
}

/** All rows are plain, and stand in the image. */
function readAgain(bytes: Buffer): BatchDirectories {
  const directories = indexFiles(bytes)?.directories ?? [];
  return { directories, odd: directories.map(() => []) };
}

/**
 * What is to be handed over beside a record, its rows being in the image now.
 * @returns null, and nothing is in the image: the other side reads it by itself
 */
export function stage(dataBytes: Buffer, image: RowImage): StagedHead | null {
  const batch = indexFiles(dataBytes);
  if (batch === null) return null;
  const sums = plainSums(batch);
  const carried = sums === null ? carry(batch) : null;
  if (sums === null && carried === null) return null;
  const staged = image.add(batch, sums);
  return staged === null ? null : { head: headOf(batch), staged, carried };
}

/** Records of one file on their way from the thread that reads them to the one that writes the catalog. */
export interface RecordBlock {
  file: string;
  /** Their payloads, one behind the other. Handed over, and handed back to be used again. */
  memory: ArrayBuffer;
  records: BlockRecord[];
}

interface BlockRecord {
  header: RecordHeader;
  segment: number;
  end: number;
  /** Bytes of its payload. */
  bytes: number;
  /** Of a batch of files as our writers give them. */
  files: StagedHead | null;
}

/** Enough, mostly, for the payloads of an image's rows. */
const BYTES_MAX = 2 * 1024 * 1024;
/** The first block is there soon, as the other thread waits for it; each may have twice the bytes of the one before. */
const BYTES_MAX_AT_FIRST = 256 * 1024;

/** Fills blocks, and the image that goes with each. */
export class BlockBuilder {
  readonly #image: RowImage;
  #memory = Buffer.alloc(0);
  #end = 0;
  #bytesMax = BYTES_MAX_AT_FIRST / 2;
  #records: BlockRecord[] = [];

  constructor(image: RowImage) {
    this.#image = image;
  }

  /** Begins a block and its image. @param memory that is free again, where there is some */
  begin(memory: ArrayBuffer | undefined): void {
    this.#memory =
      memory === undefined ? Buffer.allocUnsafeSlow(BYTES_MAX + RECORD_BYTES_TARGET) : Buffer.from(memory);
    this.#end = 0;
    this.#records = [];
    this.#image.begin();
    this.#bytesMax = Math.min(BYTES_MAX, this.#bytesMax * 2);
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  get isFull(): boolean {
    return this.#image.isFull || this.#end >= this.#bytesMax;
  }

  /** Copies a record, its rows into the image. */
  add({ record, segment, end }: ReadRecord): void {
    const { seq, durable, id, at, scan, writer, epoch, type, v, prev, crc, dataBytes } = record;
    const header = { seq, durable, id, at, scan, writer, epoch, type, v, prev, crc };
    this.#put(dataBytes);
    const files = this.#files(record);
    this.#records.push({ header, segment, end, bytes: dataBytes.length, files });
  }

  /** The block as it is; nothing of it may be used here any more. */
  take(file: string): RecordBlock {
    return { file, memory: this.#memory.buffer, records: this.#records };
  }

  /** null: the other side reads it by itself. */
  #files({ type, v, dataBytes }: RawRecord): BlockRecord['files'] {
    if (type !== 'files.batch' || v !== EVENT_VERSIONS[type]) return null;
    return stage(dataBytes, this.#image);
  }

  #put(bytes: Uint8Array): void {
    const end = this.#end + bytes.length;
    if (end > this.#memory.length) {
      const more = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#memory.length));
      this.#memory.copy(more, 0, 0, this.#end);
      this.#memory = more;
    }
    this.#memory.set(bytes, this.#end);
    this.#end = end;
  }
}

/** The records of a block, good until its memory is handed back. */
export function recordsOf({ file, memory, records }: RecordBlock): FedRecord[] {
  let from = 0;
  return records.map(({ header, segment, end, bytes, files }) => {
    const record = new RawRecord(header, Buffer.from(memory, from, bytes));
    from += bytes;
    const read = { record, file, segment, end };
    if (files === null) return { read };
    const data = new StagedBatch(files, record.dataBytes);
    return { read, event: { type: 'files.batch', data } };
  });
}
