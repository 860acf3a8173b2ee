import { decodeEvent } from '../../journal/decode-event.js';
import type {
  ChunkRoot,
  EventData,
  PathText,
  RecordRef,
  WriterPosition,
} from '../../journal/events/index.js';
import { WriterTail, type ReadRecord } from '../../journal/reader.js';
import { workerName } from '../../journal/segments.js';
import { endOfWriter } from '../../journal/settle.js';
import { nameForJournal } from '../walk/names.js';
import { listedBefore } from '../worker/listed.js';
import type { CountedDirectories } from './counted.js';
import { ChunkLedger } from './ledger.js';
import type { RecordObserver } from './observer.js';
import type { Coverage, Totals } from './state.js';
import { tallyOfWriter } from './tally.js';

/** Follows one chunk's writer through all its attempts, and counts what it proves. */
export class ChunkProgress {
  readonly writer: string;
  readonly ledger: ChunkLedger;
  /** The newest `chunk.scanned`. */
  scanned: EventData<'chunk.scanned'> | null = null;
  /** What the newest attempt that gave something away did not begin; it can take several records to say. */
  yielded: { attempt: number; remaining: ChunkRoot[] } | null = null;
  /** The file that has been read for long. */
  reading: EventData<'digest.progressed'> | null = null;
  /** Its disk is full, and it has recorded nothing since; null: it does not wait for room. */
  paused: EventData<'writer.paused'> | null = null;
  /** Directories that the next attempt has to list again, see gaps.ts. */
  again: PathText[] = [];
  /** The directory recorded last. */
  lastDirectory: PathText | null = null;
  readonly #tail: WriterTail;
  #last: Promise<void> = Promise.resolve();
  readonly #place: { journalDir: string; scan: string };
  readonly #observer: RecordObserver;

  constructor(
    place: { journalDir: string; scan: string },
    { chunk, counted }: { chunk: number; counted: CountedDirectories },
    observer: RecordObserver,
  ) {
    this.writer = workerName(chunk);
    this.ledger = new ChunkLedger(chunk, counted);
    this.#place = place;
    this.#observer = observer;
    this.#tail = new WriterTail({ ...place, writer: this.writer });
  }

  /** Takes in all that is new and proven; resolves with whether there was anything. One call after the other. */
  poll(trust: 'durable' | 'valid' = 'durable'): Promise<boolean> {
    const next = this.#last.then(() => this.#poll(trust));
    this.#last = next.then(
      () => undefined,
      () => undefined, // whoever asked has been told; the next call tries again
    );
    return next;
  }

  async #poll(trust: 'durable' | 'valid'): Promise<boolean> {
    let grown = false;
    for (;;) {
      const records = await this.#tail.poll(trust);
      if (records.length === 0) return grown;
      grown = true;
      for (const read of records) this.#take(read);
    }
  }

  #takeYielded({ attempt, remaining }: EventData<'chunk.yielded'>): void {
    const before = this.yielded?.attempt === attempt ? this.yielded.remaining : [];
    this.yielded = { attempt, remaining: [...before, ...remaining] };
  }

  #take(read: ReadRecord): void {
    const event = decodeEvent(read.record);
    if (event === null) return;
    if (event.type === 'files.batch') {
      this.ledger.push(event.data);
      this.reading = null;
      this.lastDirectory = event.data.directories.at(-1)?.path ?? this.lastDirectory;
    }
    if (event.type === 'writer.paused') this.paused = event.data;
    else if (event.type !== 'segment.sealed') this.paused = null;
    if (event.type === 'digest.progressed') this.reading = event.data;
    else if (event.type === 'chunk.scanned') this.scanned = event.data;
    else if (event.type === 'chunk.yielded') this.#takeYielded(event.data);
    this.#observer.recorded(event, read.record);
  }

  /**
   * Reads to the end of what the dead writer left. Where its last segment is not sealed, its records are synced
   * first: what is valid in the page cache counts from here on, so it must be on disk before anyone says so.
   */
  async readToEnd(): Promise<void> {
    await this.poll();
    if (!this.sealed) await this.#readDead();
    await this.#tail.close(); // it opens the next epoch by itself
  }

  async #readDead(): Promise<void> {
    const { last } = await endOfWriter(this.#place.journalDir, this.#place.scan, this.writer);
    if (last !== null) this.#tail.settle(last);
    await this.poll('valid');
  }

  /** Directories listed completely so far, read once more from the journal: few chunks ever need them. */
  async listedDirectories(): Promise<PathText[]> {
    const { journalDir, scan } = this.#place;
    const task = { scan, writer: this.writer, previous: this.previous };
    const { listed, again } = await listedBefore(journalDir, task);
    return [...listed].filter((path) => !again.has(path)).map(nameForJournal);
  }

  /** What its attempts hold together, each directory's last complete listing once. */
  async counts(): Promise<{ totals: Totals; coverage: Coverage }> {
    if (this.ledger.isExact) return this.ledger;
    return tallyOfWriter(this.#place, this.writer, this.previous);
  }

  get sealed(): boolean {
    return this.#tail.sealed;
  }

  /** Behind the last record taken in; null before the first. */
  get position(): WriterPosition | null {
    const position = this.#tail.position;
    if (position === null) return null;
    const { epoch, segment, bytes, seq, crc } = position;
    return { writer: this.writer, epoch, segment, bytes, seq, crc };
  }

  /** What the next attempt names as `previous`. */
  get previous(): RecordRef | null {
    const position = this.#tail.position;
    if (position === null) return null;
    const { epoch, segment, seq, crc } = position;
    return { epoch, segment, seq, crc };
  }
}
