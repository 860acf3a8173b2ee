import { decodeEvent } from '../../journal/decode-event.js';
import type { EventData, PathText, RecordRef } from '../../journal/events/index.js';
import { pathBytes, pathKey, toPathText } from '../../journal/path-text.js';
import { readWriter } from '../../journal/read-writer.js';
import { ScanReader, type ReadRecord } from '../../journal/reader.js';
import { chunkOfWriter } from '../../journal/segments.js';
import { ListingParts, ownFailure, type HeldListing } from './listing-parts.js';
import { addTotals, NO_TOTALS, type Coverage, type Totals } from './state.js';

interface Known {
  path: PathText;
  chunk: number;
  /** The last complete one. */
  listing: HeldListing | null;
  /** Of what came behind it. */
  problems: number;
  /** The newest word is that it could not be listed: what lies below it stays unknown, and that says why. */
  failed: boolean;
}

/** A directory whose last listing names subdirectories that nothing was recorded of, nor why. */
export interface Gap {
  chunk: number;
  path: PathText;
}

/**
 * Every directory by itself: what the sums of ChunkLedger cannot tell where listings were made anew, or when they do not add
 * up. Takes some 300 bytes a directory, so it is asked in such cases only.
 */
export class Tally {
  readonly #known = new Map<string, Known>();
  #parts = new ListingParts();
  #chunk = 0;

  /** Takes a batch; those of a chunk in their order, one chunk after the other. */
  push(batch: EventData<'files.batch'>): void {
    if (batch.chunk !== this.#chunk) this.#parts = new ListingParts();
    this.#chunk = batch.chunk;
    for (const directory of batch.directories) {
      const { path } = directory;
      const { listing, problems } = this.#parts.push(batch.attempt, directory);
      const before = this.#known.get(pathKey(path))?.listing ?? null;
      this.#known.set(pathKey(path), {
        path,
        chunk: batch.chunk,
        listing: listing ?? before,
        problems,
        failed: ownFailure(directory) !== null,
      });
    }
  }

  /** Each directory's last complete listing once. */
  get totals(): Totals {
    let totals = NO_TOTALS;
    for (const { listing, problems } of this.#known.values()) {
      if (listing !== null) totals = addTotals(totals, { ...listing, directories: 1 });
      totals = addTotals(totals, { ...NO_TOTALS, problems });
    }
    return totals;
  }

  get coverage(): Coverage {
    let subdirectories = 0;
    for (const { listing } of this.#known.values()) subdirectories += listing?.subdirectories ?? 0;
    return { subdirectories, entered: this.#known.size };
  }

  gaps(): Gap[] {
    const entered = new Map<string, number>();
    for (const { path } of this.#known.values()) {
      if (path === '/') continue;
      const parent = pathKey(parentOf(path));
      entered.set(parent, (entered.get(parent) ?? 0) + 1);
    }
    const gaps: Gap[] = [];
    for (const [key, { path, chunk, listing }] of this.#known) {
      const isShort = (listing?.subdirectories ?? 0) > (entered.get(key) ?? 0);
      if (isShort && !this.#isExplained(path)) gaps.push({ chunk, path });
    }
    return gaps;
  }

  /** Whether it could not be listed again, or lies below a directory that could not. */
  #isExplained(path: PathText): boolean {
    for (let up = path; ; up = parentOf(up)) {
      if (this.#known.get(pathKey(up))?.failed === true) return true;
      if (pathBytes(up).length <= 1) return false;
    }
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
  for await (const batch of new ScanReader({ ...place, hash: false }).batches())
    take(
      tally,
      batch.filter(({ record }) => chunkOfWriter(record.writer) !== null),
    );
  return tally;
}

function take(tally: Tally, records: readonly ReadRecord[]): void {
  for (const { record } of records) {
    const event = decodeEvent(record);
    if (event?.type === 'files.batch') tally.push(event.data);
  }
}
