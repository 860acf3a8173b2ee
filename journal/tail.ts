import { open, type FileHandle } from 'node:fs/promises';
import type { RecordRef } from './events/index.js';
import { checkpointMismatch, openingOf, recordAt, sealMatches, type ReadRecord } from './checkpoint.js';
import { isOfTheFile, readAround } from './read-around.js';
import { idsWithoutProof } from './repeats.js';
import { BLOCK_BYTES, LineMemory } from './line-memory.js';
import { decodeLine, NO_PREVIOUS_CRC, type RawRecord } from './record.js';
import {
  listSegments,
  segmentFile,
  segmentPath,
  type SegmentName,
  type SegmentPosition,
} from './segments.js';
import { errnoName } from './storage.js';

const LF = 0x0a;

export interface WriterTailOptions {
  journalDir: string;
  scan: string;
  writer: string;
  /** Behind the last record that was read before; null or left out: from the first. */
  after?: SegmentPosition | null;
  /** Recompute a seal's SHA-256 (default); who does not ask for `sealed` can do without. */
  hash?: boolean;
}

/** Follows one writer while it writes. */
export class WriterTail {
  readonly #options: WriterTailOptions;
  #name: SegmentName | null = null;
  #handle: FileHandle | null = null;
  /** Bytes of the segment that are read. */
  #readTo = 0;
  readonly #memory = new LineMemory();
  /** Last record read in this epoch. */
  #seq = 0;
  #crc = NO_PREVIOUS_CRC;
  #lastSealed = false;
  #proven = 0;
  #pending: { read: ReadRecord; block: Buffer }[] = [];
  #position: SegmentPosition | null;
  #sealed = false;
  /** By epoch: readers ignore what lies beyond. */
  readonly #bounds = new Map<number, number>();
  /** Nothing says where the epochs before this one end: records that it holds again are known by these ids. */
  #repeats: ReadonlySet<string> = new Set();

  constructor(options: WriterTailOptions) {
    this.#options = options;
    this.#position = options.after ?? null;
  }

  /** Behind the last record that `poll` returned. */
  get position(): SegmentPosition | null {
    return this.#position;
  }

  /** The last record that `poll` returned is a seal that matches its segment. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** What lies beyond this record of its epoch is never returned. */
  settle({ epoch, seq }: { epoch: number; seq: number }): void {
    this.#bounds.set(epoch, Math.min(seq, this.#bounds.get(epoch) ?? Infinity));
  }

  /**
   * New records, some at a time; none when there is nothing new. Valid until the next poll: their bytes lie in memory that
   * it uses again.
   * @param trust `durable`: those that the writer has proven to be on disk; `valid`: all, once it is dead
   * @throws JournalError `checkpoint-mismatch`
   */
  async poll(trust: 'durable' | 'valid' = 'durable'): Promise<readonly ReadRecord[]> {
    if (this.#name === null && !(await this.#begin())) return [];
    for (;;) {
      this.#memory.forget(new Set(this.#pending.map(({ block }) => block)));
      // Without the writer's own word for each record, a younger epoch has to be asked first.
      if (trust === 'valid') await this.#hearNextEpoch();
      const more = await this.#readBlock(trust);
      const proven = await this.#take(trust);
      if (proven.length > 0) return proven;
      if (!more && !(await this.#moveOn())) return [];
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #begin(): Promise<boolean> {
    const { journalDir, scan, writer } = this.#options;
    const after = this.#position;
    if (after === null) {
      const [first] = await listSegments(journalDir, scan, writer);
      return first !== undefined && (await this.#open(first));
    }
    const name = { scan, writer, epoch: after.epoch, segment: after.segment };
    const record = await recordAt(segmentPath(this.#options.journalDir, name), after);
    if (record === null || !(await this.#open(name))) throw checkpointMismatch(scan, writer, after);
    this.#readTo = after.bytes;
    this.#seq = after.seq;
    this.#crc = after.crc;
    this.#proven = after.seq;
    this.#lastSealed = record.type === 'segment.sealed';
    this.#sealed = this.#lastSealed && (await this.#matches(record));
    if (name.epoch > 1 && (await this.#opening({ ...name, segment: 1 })) === 'unreadable')
      await this.#learnRepeats(name.epoch);
    return true;
  }

  async #open(name: SegmentName): Promise<boolean> {
    await this.close();
    try {
      this.#handle = await open(segmentPath(this.#options.journalDir, name), 'r');
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return false;
      throw error;
    }
    if (this.#name?.epoch !== name.epoch) {
      this.#seq = 0;
      this.#crc = NO_PREVIOUS_CRC;
      this.#proven = 0;
    }
    this.#name = name;
    this.#readTo = 0;
    this.#memory.clear();
    this.#lastSealed = false;
    return true;
  }

  /** Reads what is new in the segment, up to a block. False: nothing. */
  async #readBlock(trust: 'durable' | 'valid'): Promise<boolean> {
    if (this.#handle === null || this.#name === null) return false;
    // Asked often and mostly in vain: a look at the size costs no memory.
    const { size } = await this.#handle.stat();
    const want = Math.min(BLOCK_BYTES, Math.max(0, size - this.#readTo));
    const { block, at } = this.#memory.room(want);
    // Of a living writer every byte is waited for; what a dead one left is read around bad places.
    const bytesRead =
      want === 0
        ? 0
        : trust === 'valid'
          ? await readAround(this.#handle, block, at, want, this.#readTo)
          : (await this.#handle.read(block, at, want, this.#readTo)).bytesRead;
    this.#readTo += bytesRead;
    const filled = this.#memory.add(bytesRead);
    const base = this.#readTo - filled.length;
    let from = 0;
    if (bytesRead > 0) {
      for (let lf = filled.indexOf(LF, from); lf >= 0; lf = filled.indexOf(LF, from)) {
        this.#line(filled.subarray(from, lf), base + lf + 1);
        from = lf + 1;
      }
    } else if (trust === 'valid' && filled.length > 0 && this.#line(filled, this.#readTo)) {
      from = filled.length;
    }
    this.#memory.leave(filled.subarray(from));
    return bytesRead > 0;
  }

  #line(bytes: Buffer, end: number): boolean {
    const name = this.#name;
    const decoded = decodeLine(bytes);
    if (!decoded.ok || name === null) return false;
    const { record } = decoded;
    if (record.scan !== name.scan || record.writer !== name.writer || record.epoch !== name.epoch)
      return false;
    if (record.seq <= this.#seq) return false;
    if (record.seq === this.#seq + 1 && record.prev !== this.#crc) return false;
    this.#seq = record.seq;
    this.#crc = record.crc;
    this.#lastSealed = record.type === 'segment.sealed';
    // A writer seals what it knows to be on disk; the seal itself is believed with it.
    this.#proven = Math.max(this.#proven, this.#lastSealed ? record.seq : record.durable);
    const again = !this.#lastSealed && this.#repeats.has(record.id);
    if (!again) {
      const read = { record, file: segmentFile(name), segment: name.segment, end };
      this.#pending.push({ read, block: this.#memory.block });
    }
    return true;
  }

  /** Those of the pending records that may be returned now. */
  async #take(trust: 'durable' | 'valid'): Promise<ReadRecord[]> {
    const epoch = this.#name?.epoch ?? 0;
    const limit = this.#limit(trust);
    let count = 0;
    while (count < this.#pending.length && (this.#pending[count]?.read.record.seq ?? 0) <= limit) count += 1;
    const taken = this.#pending.splice(0, count).map(({ read }) => read);
    const last = taken.at(-1);
    if (last === undefined) return taken;
    const { record, segment, end } = last;
    this.#position = { epoch, segment, seq: record.seq, crc: record.crc, bytes: end };
    this.#sealed = record.type === 'segment.sealed' && (await this.#matches(record));
    return taken;
  }

  async #matches(seal: RawRecord): Promise<boolean> {
    if (this.#options.hash === false) return true;
    return this.#handle !== null && (await sealMatches(this.#handle, seal));
  }

  /** Goes to the next segment, or the next epoch. False: there is none yet. */
  async #moveOn(): Promise<boolean> {
    const name = this.#name;
    if (name === null) return false;
    const next = await this.#next((other) => other.epoch > name.epoch || other.segment > name.segment);
    if (next === undefined) return false;
    const { size } = (await this.#handle?.stat()) ?? { size: 0 };
    // Whatever came before the next file began can be read now.
    if (size > this.#readTo) return true;
    if (next.epoch === name.epoch) return this.#open(next);
    const heard = await this.#hearNextEpoch();
    if (heard === null) return false;
    const [waiting] = this.#pending;
    if (waiting !== undefined && waiting.read.record.seq <= this.#limit('durable')) return true;
    this.#pending = [];
    // Those of a younger epoch come beside them: what has been read is read, whoever holds it again.
    if (!heard.bounds) await this.#learnRepeats(heard.name.epoch);
    return this.#open(heard.name);
  }

  async #learnRepeats(epoch: number): Promise<void> {
    const { journalDir, scan, writer } = this.#options;
    this.#repeats = await idsWithoutProof(journalDir, scan, writer, epoch);
  }

  async #next(isLater: (name: SegmentName) => boolean): Promise<SegmentName | undefined> {
    const { journalDir, scan, writer } = this.#options;
    const epoch = this.#name?.epoch ?? 0;
    const all = await listSegments(journalDir, scan, writer);
    return all.find((name) => name.epoch >= epoch && isLater(name));
  }

  /**
   * A younger epoch says where this one ends. One that was begun and never got its first record to disk, as on a full disk,
   * is passed over once there is a younger one.
   * @returns its first segment, and whether it could say so; null: there is none, or it has not said it yet
   */
  async #hearNextEpoch(): Promise<{ name: SegmentName; bounds: boolean } | null> {
    const ending = this.#name?.epoch ?? 0;
    for (let epoch = ending; ;) {
      const name = await this.#next((other) => other.epoch > epoch);
      if (name === undefined) return null;
      const opening = await this.#opening(name);
      // This epoch is over, and nobody says where: then all that is valid counts, as at rest.
      if (opening === 'unreadable') this.#proven = Infinity;
      else if (opening !== 'unfinished') this.#end(ending, opening.previous);
      if (opening !== 'unfinished') return { name, bounds: opening !== 'unreadable' };
      epoch = name.epoch;
    }
  }

  async #opening(name: SegmentName): ReturnType<typeof openingOf> {
    try {
      return await openingOf(segmentPath(this.#options.journalDir, name));
    } catch (error) {
      if (isOfTheFile(error)) return 'unreadable';
      throw error;
    }
  }

  #end(epoch: number, previous: RecordRef | null): void {
    const last = previous === null || previous.epoch < epoch ? 0 : previous.seq;
    if (previous !== null && previous.epoch > epoch) return;
    this.settle({ epoch, seq: last });
    this.#proven = Math.max(this.#proven, last);
  }

  #limit(trust: 'durable' | 'valid'): number {
    const bound = this.#bounds.get(this.#name?.epoch ?? 0) ?? Infinity;
    return Math.min(bound, trust === 'valid' ? Infinity : this.#proven);
  }
}
