import { hashWithParent } from '../../journal/path-hash.js';
import { missingEntries, type Listing } from './listing.js';

/** Directories listed whole, each in one record, with nothing to tell but their sums: in columns, for they are many. */
export interface PlainListings {
  low: Uint32Array;
  high: Uint32Array;
  parentLow: Uint32Array;
  parentHigh: Uint32Array;
  files: Uint32Array;
  bytes: Float64Array;
  subdirectories: Uint32Array;
  /** Which directory of the mount it is in or below: an index into names that come beside. */
  top: Uint16Array;
}

const ROWS_MIN = 1 << 10;

/** Gathers them. */
export class PlainListingsBuilder {
  #columns = columnsOf(ROWS_MIN);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Takes a listing, unless there is more to tell of it than columns hold. */
  add(listing: Listing, top: number): boolean {
    const { path, part, last, files, bytes, problems, subdirectories } = listing;
    if (part !== 1 || !last || problems.length > 0 || typeof path !== 'string') return false;
    if (typeof bytes !== 'number' || !Number.isInteger(subdirectories)) return false;
    if (missingEntries(listing, { files, named: 0, certain: 0 }) !== 0) return false;
    const { self, parent } = hashWithParent(path);
    if (parent === null) return false;
    const at = this.#length;
    if (at === this.#columns.low.length) this.#columns = resized(this.#columns, at * 2);
    const columns = this.#columns;
    columns.low[at] = self.low;
    columns.high[at] = self.high;
    columns.parentLow[at] = parent.low;
    columns.parentHigh[at] = parent.high;
    columns.files[at] = files;
    columns.bytes[at] = bytes;
    columns.subdirectories[at] = subdirectories;
    columns.top[at] = top;
    this.#length = at + 1;
    return true;
  }

  /** Gives up what came behind the first `length`. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** All of them; begins anew. */
  take(): PlainListings {
    const taken = resized(this.#columns, this.#length);
    this.#length = 0;
    return taken;
  }
}

function columnsOf(length: number): PlainListings {
  return {
    low: new Uint32Array(length),
    high: new Uint32Array(length),
    parentLow: new Uint32Array(length),
    parentHigh: new Uint32Array(length),
    files: new Uint32Array(length),
    bytes: new Float64Array(length),
    subdirectories: new Uint32Array(length),
    top: new Uint16Array(length),
  };
}

function resized(old: PlainListings, length: number): PlainListings {
  const made = columnsOf(length);
  for (const name of Object.keys(made) as (keyof PlainListings)[]) {
    const from = old[name];
    made[name].set(from.length > length ? from.subarray(0, length) : from);
  }
  return made;
}
