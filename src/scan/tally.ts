import { decodeEvent } from '../../journal/decode-event.js';
import type { EventData, PathText, RecordRef } from '../../journal/events/index.js';
import { Column, HashIndex } from '../../journal/hash-index.js';
import { hashPath, hashWithParent } from '../../journal/path-hash.js';
import { pathBytes, toPathText } from '../../journal/path-text.js';
import { readWriter } from '../../journal/read-writer.js';
import { ScanReader, type ReadRecord } from '../../journal/reader.js';
import { chunkOfWriter } from '../../journal/segments.js';
import { ListingParts, ownFailure, type HeldListing } from './listing-parts.js';
import type { Coverage, Totals } from './state.js';

/** A directory whose last listing names subdirectories that nothing was recorded of, nor why. */
export interface Gap {
  chunk: number;
  path: PathText;
}

/** What is known of a directory; a directory that is only above others has nothing of it. */
const FLAG = {
  entered: 1,
  /** The newest word is that it could not be listed: what lies below it stays unknown, and that says why. */
  failed: 2,
  listed: 4,
} as const;

/**
 * Every directory by itself: what the sums of ChunkLedger cannot tell where listings were made anew, or when they do not add
 * up. Takes some 50 bytes a directory: paths are known by their hashes.
 */
export class Tally {
  readonly #index = new HashIndex();
  readonly #flags = new Column(Uint8Array);
  readonly #chunks = new Column(Uint32Array);
  /** Entry + 1 of the directory above; 0: not looked for yet, or `/` itself. */
  readonly #above = new Column(Uint32Array);
  /** Of its last complete listing; problems, also those behind it, of few. */
  readonly #files = new Column(Float64Array);
  readonly #subdirectories = new Column(Float64Array);
  readonly #bytes = new Column(Float64Array);
  readonly #bytesBeyond = new Map<number, bigint>();
  readonly #problems = new Map<number, { listed: number; behind: number }>();
  #parts = new ListingParts();
  #chunk = 0;

  /** Takes a batch; those of a chunk in their order, one chunk after the other. */
  push(batch: EventData<'files.batch'>): void {
    if (batch.chunk !== this.#chunk) this.#parts = new ListingParts();
    this.#chunk = batch.chunk;
    for (const directory of batch.directories) {
      const { listing, problems } = this.#parts.push(batch.attempt, directory);
      const entry = this.#intern(directory.path);
      const isListed = listing !== null || (this.#flags.get(entry) & FLAG.listed) > 0;
      const isFailed = ownFailure(directory) !== null;
      this.#flags.set(entry, FLAG.entered | (isListed ? FLAG.listed : 0) | (isFailed ? FLAG.failed : 0));
      this.#chunks.set(entry, batch.chunk);
      if (listing !== null) this.#keep(entry, listing);
      this.#keepProblems(entry, listing?.problems ?? this.#problems.get(entry)?.listed ?? 0, problems);
    }
  }

  /** Each directory's last complete listing once. */
  get totals(): Totals {
    const sum = { files: 0, directories: 0, bytes: 0n, problems: 0 };
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      if ((this.#flags.get(entry) & FLAG.listed) === 0) continue;
      sum.files += this.#files.get(entry);
      sum.directories += 1;
      sum.bytes += this.#bytesBeyond.get(entry) ?? BigInt(this.#bytes.get(entry));
    }
    for (const { listed, behind } of this.#problems.values()) sum.problems += listed + behind;
    return sum;
  }

  get coverage(): Coverage {
    let subdirectories = 0;
    let entered = 0;
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      subdirectories += this.#subdirectories.get(entry);
      if ((this.#flags.get(entry) & FLAG.entered) > 0) entered += 1;
    }
    return { subdirectories, entered };
  }

  /** The entries of directories with a gap, and their chunks. */
  gaps(): Map<number, number> {
    const entered = new Column(Float64Array);
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      const above = this.#above.get(entry) - 1;
      if (above >= 0 && (this.#flags.get(entry) & FLAG.entered) > 0)
        entered.set(above, entered.get(above) + 1);
    }
    const gaps = new Map<number, number>();
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      if (this.#subdirectories.get(entry) > entered.get(entry) && !this.#isExplained(entry))
        gaps.set(entry, this.#chunks.get(entry));
    }
    return gaps;
  }

  /** -1: nothing is known of it. */
  entryOf(path: PathText): number {
    return this.#index.find(hashPath(path));
  }

  /** The entry of a directory; those above it have one, too. */
  #intern(path: PathText): number {
    const entry = this.#index.intern(hashPath(path));
    for (let at = entry, place = path; this.#above.get(at) === 0; place = parentOf(place)) {
      const { parent } = hashWithParent(place);
      if (parent === null) break;
      const above = this.#index.intern(parent);
      this.#above.set(at, above + 1);
      at = above;
    }
    return entry;
  }

  #keep(entry: number, { files, bytes, subdirectories }: HeldListing): void {
    this.#files.set(entry, files);
    this.#subdirectories.set(entry, subdirectories);
    this.#bytes.set(entry, Number(bytes));
    if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) this.#bytesBeyond.set(entry, bytes);
    else this.#bytesBeyond.delete(entry);
  }

  #keepProblems(entry: number, listed: number, behind: number): void {
    if (listed + behind > 0) this.#problems.set(entry, { listed, behind });
    else this.#problems.delete(entry);
  }

  /** Whether it could not be listed again, or lies below a directory that could not. */
  #isExplained(entry: number): boolean {
    for (let up = entry; up >= 0; up = this.#above.get(up) - 1) {
      if ((this.#flags.get(up) & FLAG.failed) > 0) return true;
    }
    return false;
  }
}

function parentOf(path: PathText): PathText {
  const bytes = pathBytes(path);
  return toPathText(bytes.subarray(0, Math.max(1, bytes.lastIndexOf('/'))));
}

interface Place {
  journalDir: string;
  scan: string;
}

/** @param last the writer's last record that counts; null: none does */
export async function tallyOfWriter(place: Place, writer: string, last: RecordRef | null): Promise<Tally> {
  const tally = new Tally();
  if (last === null) return tally;
  for await (const batch of readWriter({ ...place, writer }, last))
    take(
      tally,
      batch.filter(({ record }) => record.epoch <= last.epoch),
    );
  return tally;
}

/** Of all workers of a scan of which none runs. */
export async function tallyOfScan(place: Place): Promise<Tally> {
  const tally = new Tally();
  await readWorkers(place, (records) => take(tally, records));
  return tally;
}

/** The gaps of a scan of which no worker runs. Where there are any, the journal is read once more for their paths. */
export async function gapsOfScan(place: Place): Promise<Gap[]> {
  const tally = await tallyOfScan(place);
  const chunks = tally.gaps();
  if (chunks.size === 0) return [];
  const found = new Map<number, Gap>();
  await readWorkers(place, (records) => {
    for (const { path } of batchesIn(records).flatMap(({ directories }) => directories)) {
      const entry = tally.entryOf(path);
      const chunk = chunks.get(entry);
      if (chunk !== undefined) found.set(entry, { chunk, path });
    }
  });
  return [...found.values()];
}

async function readWorkers(place: Place, take: (records: readonly ReadRecord[]) => void): Promise<void> {
  for await (const batch of new ScanReader({ ...place, hash: false }).batches())
    take(batch.filter(({ record }) => chunkOfWriter(record.writer) !== null));
}

function take(tally: Tally, records: readonly ReadRecord[]): void {
  for (const batch of batchesIn(records)) tally.push(batch);
}

function batchesIn(records: readonly ReadRecord[]): EventData<'files.batch'>[] {
  return records.flatMap(({ record }) => {
    const event = decodeEvent(record);
    return event?.type === 'files.batch' ? [event.data] : [];
  });
}
