import { createHash, type Hash } from 'node:crypto';
import { JournalError } from './errors.js';
import { EVENT_VERSIONS } from './event-versions.js';
import type { RecordRef } from './events/index.js';
import { encodeLine, jsonBytes, NO_PREVIOUS_CRC } from './record.js';
import { segmentPath, type AppendedRecord, type SegmentName, type SegmentPosition } from './segments.js';
import { messageOf, type JournalStorage, type SegmentFile } from './storage.js';

/** A record before it has a place in a segment. */
export interface RecordDraft {
  type: string;
  v: number;
  /** JSON, in UTF-8. */
  data: Uint8Array;
  id: string;
  at: string;
}

/** How far an epoch has come; carried from one of its segments to the next. */
export interface EpochState {
  /** Of the last record on disk; 0 at first. */
  seq: number;
  crc: string;
}

export const EPOCH_START: EpochState = { seq: 0, crc: NO_PREVIOUS_CRC };

/**
 * One segment while it is written. After the first failure it is dead for good: a failed fsync may have
 * dropped the very pages it could not write, so nothing may follow.
 */
export class SegmentWriter {
  readonly name: SegmentName;
  readonly path: string;
  readonly #file: SegmentFile;
  readonly #hash: Hash = createHash('sha256');
  #epoch: EpochState;
  #records = 0;
  #bytes = 0;
  #sealed = false;

  private constructor(name: SegmentName, path: string, file: SegmentFile, epoch: EpochState) {
    this.name = name;
    this.path = path;
    this.#file = file;
    this.#epoch = epoch;
  }

  /** Creates the file. Rejects with the system's own error: EEXIST where the name is taken. */
  static async create(
    storage: JournalStorage,
    journalDir: string,
    name: SegmentName,
    epoch: EpochState,
  ): Promise<SegmentWriter> {
    const path = segmentPath(journalDir, name);
    return new SegmentWriter(name, path, await storage.createSegment(path), epoch);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing may follow in this segment. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** Where the epoch stands after what is on disk. */
  get epochState(): EpochState {
    return this.#epoch;
  }

  /**
   * Appends all drafts with one write and one fdatasync.
   * @returns the record of each, once all are on disk
   * @throws JournalError `segment-dead` with the system's error as cause
   */
  async append(drafts: readonly RecordDraft[]): Promise<AppendedRecord[]> {
    const lines: Buffer[] = [];
    const records: AppendedRecord[] = [];
    const { scan, writer, epoch, segment } = this.name;
    let { seq, crc } = this.#epoch;
    let bytes = this.#bytes;
    for (const draft of drafts) {
      const { data, ...fields } = draft;
      seq += 1;
      const header = { ...fields, seq, durable: this.#epoch.seq, scan, writer, epoch, prev: crc };
      const encoded = encodeLine(header, data);
      crc = encoded.crc;
      bytes += encoded.line.length;
      lines.push(encoded.line);
      records.push({ epoch, segment, seq, crc, bytes, at: draft.at });
    }
    const block = lines.length === 1 && lines[0] !== undefined ? lines[0] : Buffer.concat(lines);
    await this.#write(block, bytes);
    this.#hash.update(block);
    this.#epoch = { seq, crc };
    this.#bytes = bytes;
    this.#records += drafts.length;
    return records;
  }

  /** Appends the seal over all lines so far. */
  async seal(stamp: { id: string; at: string }): Promise<SegmentPosition> {
    const sha256 = this.#hash.copy().digest('hex');
    const data = jsonBytes({ records: this.#records, bytes: this.#bytes, sha256 });
    const [position] = await this.append([
      { ...stamp, type: 'segment.sealed', v: EVENT_VERSIONS['segment.sealed'], data },
    ]);
    if (position === undefined) throw new JournalError('io', 'a seal has no position');
    this.#sealed = true;
    return position;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(block: Buffer, sizeAfter: number): Promise<void> {
    try {
      let written = 0;
      while (written < block.length) {
        const count = await this.#file.write(written === 0 ? block : block.subarray(written));
        if (count === 0) throw new Error('the file system accepted no bytes');
        written += count;
      }
      await this.#file.datasync();
      const found = await this.#file.stat();
      if (!found.linked) throw new Error('the file was deleted or replaced while it was written');
      if (found.bytes !== sizeAfter)
        throw new Error(`the file was changed while it was written: ${found.bytes} bytes, not ${sizeAfter}`);
    } catch (cause) {
      throw new JournalError('segment-dead', `cannot write ${this.path}: ${messageOf(cause)}`, {
        cause,
        path: this.path,
      });
    }
  }
}

/** A position without its offset, as other records name it. */
export function refOf(position: RecordRef): RecordRef {
  const { epoch, segment, seq, crc } = position;
  return { epoch, segment, seq, crc };
}
