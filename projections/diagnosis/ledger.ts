import type { EventData, PathText } from '../../journal/events/index.js';
import { Column, HashIndex } from '../../journal/hash-index.js';
import { ExactSum } from '../../journal/exact-sum.js';
import { hashPath, hashWithParent, type PathHash } from '../../journal/path-hash.js';
import { pathKey } from '../../journal/path-text.js';
import { CountColumn } from './columns.js';
import { addPart, listingOf, missingEntries, newListing, type Listing, type OpenListing } from './listing.js';
import type { PlainListings } from './plain-listings.js';
import { ProblemBook } from './problems.js';
import { ELSEWHERE, TopIndex, type TopCoverage } from './tops.js';
import type { Evidence } from './types.js';

const HAS_ENTRY = 1;
const LISTED = 2;
const MISCOUNTED = 4;
/** Its newest word is that it could not be listed: what lies below it stays unknown, and that says why. */
const FAILED = 8;
/** Miscounted directories that are shown. */
const MISCOUNTED_SHOWN_MAX = 20;

export interface LedgerTotals {
  files: number;
  directories: number;
  bytes: bigint;
  problems: number;
  /** Directories with an entry and no complete listing. */
  unlisted: number;
}

export interface Gap {
  path: PathText;
  text: string;
  evidence: Evidence;
}

/**
 * Every directory of the scan in some 40 bytes: its last complete listing, and whether the directories that listing
 * counts have entries of their own. Paths are kept as hashes; those that do not add up are looked up again.
 */
export class DirectoryLedger {
  readonly problems = new ProblemBook();
  readonly #index = new HashIndex();
  readonly #flags = new Column(Uint8Array);
  readonly #top = new Column(Uint16Array);
  /** Entry of its parent, plus one; 0: it has none. */
  readonly #above = new Column(Uint32Array);
  #tops = new TopIndex(null);
  readonly #files = new CountColumn();
  readonly #bytes = new Column(Float64Array);
  readonly #bigBytes = new Map<number, bigint>();
  /** Subdirectories that the listing counts, and those that have an entry. */
  readonly #expected = new CountColumn();
  readonly #seen = new CountColumn();
  readonly #byteSum = new ExactSum();
  readonly #miscounted = new Map<number, Gap>();
  #miscountedCount = 0;
  #fileSum = 0;
  #listed = 0;
  #entries = 0;
  #source = '';
  #open = new Map<string, OpenListing>();
  /** The parent of the directory before: mostly that of the next one, too. */
  readonly #parent = { low: -1, high: -1, entry: -1 };

  /** Whose directories are told apart in {@link byTop}: to be said before the first one comes. */
  set mount(path: PathText) {
    this.#tops = new TopIndex(path);
  }

  /** Takes a batch of one writer; a writer's batches must come in its order. */
  push(batch: EventData<'files.batch'>, writer: string, evidenceOf: (text: string) => Evidence): void {
    if (batch.chunk === 0) return; // a former catalog's rows prove nothing about this scan
    this.begin(writer, batch.attempt);
    for (const directory of batch.directories) this.add(listingOf(directory), evidenceOf);
  }

  /** What is added next is of this attempt. */
  begin(writer: string, attempt: number): void {
    const source = `${writer} ${attempt}`;
    if (source === this.#source) return;
    this.#source = source;
    this.#open = new Map();
  }

  /** Takes one directory, or one part of it. */
  add(listing: Listing, evidenceOf: (text: string) => Evidence): void {
    const { path, part, last } = listing;
    const { self, parent } = hashWithParent(path);
    const entry = this.#enter(self, parent, () => this.#tops.of(path));
    const whole = part === 1 && last;
    const key = whole ? '' : pathKey(path);
    const open = part === 1 ? newListing() : this.#open.get(key);
    if (open?.nextPart !== part) {
      this.#open.delete(key);
      return; // a part is missing: the directory stays unlisted in this attempt
    }
    addPart(open, listing);
    if (!last) {
      this.#open.set(key, open);
      if (open.problems.some(({ name }) => name === '')) this.#flag(entry, FAILED);
      // What was listed before and could not be entered again keeps its listing; why not matters all the same.
      if ((this.#flags.get(entry) & LISTED) === 0 || open.problems.some(({ name }) => name === ''))
        this.problems.set(entry, path, open.problems, evidenceOf);
      return;
    }
    if (!whole) this.#open.delete(key);
    this.#complete(entry, open, listing.subdirectories);
    this.problems.set(entry, path, open.problems, evidenceOf);
    const missing = missingEntries(listing, open);
    if (missing !== 0) this.#miscount(entry, path, missing, evidenceOf);
  }

  /** Takes directories that were listed whole, each in one record, and have nothing to tell. */
  addPlain(plain: PlainListings, tops: readonly string[], { from, to }: { from: number; to: number }): void {
    const { low, high, parentLow, parentHigh, files, bytes, subdirectories, top } = plain;
    const numbers = tops.map((name, number) => (number === ELSEWHERE ? ELSEWHERE : this.#tops.number(name)));
    for (let at = from; at < to; at += 1) {
      const self = { low: low[at] ?? 0, high: high[at] ?? 0 };
      const parent = { low: parentLow[at] ?? 0, high: parentHigh[at] ?? 0 };
      const entry = this.#enter(self, parent, () => numbers[top[at] ?? 0] ?? ELSEWHERE);
      this.#complete(entry, { files: files[at] ?? 0, bytes: bytes[at] ?? 0 }, subdirectories[at] ?? 0);
      this.problems.forget(entry);
    }
  }

  /** The entry of a directory; its first one also counts with its parent. */
  #enter(self: PathHash, parent: PathHash | null, topOf: () => number): number {
    const entry = this.#index.intern(self);
    const flags = this.#flags.get(entry);
    if ((flags & HAS_ENTRY) !== 0) return entry;
    this.#flags.set(entry, flags | HAS_ENTRY);
    this.#top.set(entry, topOf());
    this.#entries += 1;
    if (parent === null) return entry;
    const last = this.#parent;
    if (parent.low !== last.low || parent.high !== last.high)
      Object.assign(last, parent, { entry: this.#index.intern(parent) });
    this.#above.set(entry, last.entry + 1);
    this.#seen.set(last.entry, this.#seen.get(last.entry) + 1);
    return entry;
  }

  #complete(entry: number, held: Pick<OpenListing, 'files' | 'bytes'>, subdirectories: number): void {
    const flags = this.#flags.get(entry);
    if ((flags & LISTED) === 0) this.#listed += 1;
    else {
      this.#fileSum -= this.#files.get(entry);
      this.#byteSum.subtract(this.#bigBytes.get(entry) ?? this.#bytes.get(entry));
    }
    this.#files.set(entry, held.files);
    this.#fileSum += held.files;
    this.#setBytes(entry, held.bytes);
    this.#expected.set(entry, subdirectories);
    this.#flags.set(entry, HAS_ENTRY | LISTED);
    if ((flags & MISCOUNTED) !== 0) this.#forgive(entry);
  }

  #setBytes(entry: number, bytes: number | bigint): void {
    this.#byteSum.add(bytes);
    if (typeof bytes === 'bigint') this.#bigBytes.set(entry, bytes);
    else {
      this.#bytes.set(entry, bytes);
      this.#bigBytes.delete(entry);
    }
  }

  #flag(entry: number, flag: number): void {
    this.#flags.set(entry, this.#flags.get(entry) | flag);
  }

  #forgive(entry: number): void {
    this.#miscountedCount -= 1;
    this.#miscounted.delete(entry);
  }

  #miscount(entry: number, path: PathText, missing: number, evidenceOf: (text: string) => Evidence): void {
    this.#miscountedCount += 1;
    this.#flag(entry, MISCOUNTED);
    if (this.#miscounted.size >= MISCOUNTED_SHOWN_MAX) return;
    const text = `what is recorded of its entries is ${Math.abs(missing)} ${missing > 0 ? 'short' : 'too many'}`;
    this.#miscounted.set(entry, { path, text, evidence: evidenceOf(text) });
  }

  totals(): LedgerTotals {
    return {
      files: this.#fileSum,
      directories: this.#listed,
      bytes: BigInt(this.#byteSum.value),
      problems: this.problems.total,
      unlisted: this.#entries - this.#listed,
    };
  }

  /** Directories whose recorded entries do not add up to what they held. */
  get miscounted(): { count: number; shown: Gap[] } {
    return { count: this.#miscountedCount, shown: [...this.#miscounted.values()] };
  }

  isListed(path: PathText): boolean {
    const entry = this.#index.find(hashPath(path));
    return entry >= 0 && (this.#flags.get(entry) & LISTED) !== 0;
  }

  hasEntry(path: PathText): boolean {
    const entry = this.#index.find(hashPath(path));
    return entry >= 0 && (this.#flags.get(entry) & HAS_ENTRY) !== 0;
  }

  /** How many subdirectories of a listed directory have no entry. */
  #missingOf(entry: number): number {
    return Math.max(0, this.#expected.get(entry) - this.#seen.get(entry));
  }

  /** Whether it could not be listed again, or lies below a directory that could not. */
  #isExplained(entry: number): boolean {
    for (let up = entry + 1; up > 0; up = this.#above.get(up - 1))
      if ((this.#flags.get(up - 1) & FAILED) !== 0) return true;
    return false;
  }

  /** What is recorded below each directory of the mount. */
  byTop(): TopCoverage[] {
    const found = this.#tops.names.map((name, number): TopCoverage => {
      const known = number === ELSEWHERE ? null : name;
      return { name: known, directories: 0, files: 0, bytes: 0, problems: 0, unlisted: 0 };
    });
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      const sums = found[this.#top.get(entry)];
      const flags = this.#flags.get(entry);
      if (sums === undefined || (flags & HAS_ENTRY) === 0) continue;
      sums.problems += this.problems.countOf(entry);
      if ((flags & LISTED) === 0) sums.unlisted += 1;
      else {
        sums.directories += 1;
        sums.files += this.#files.get(entry);
        sums.bytes += Number(this.#bigBytes.get(entry) ?? this.#bytes.get(entry));
        sums.unlisted += this.#missingOf(entry);
      }
    }
    return found.filter(({ directories, problems, unlisted }) => directories + problems + unlisted > 0);
  }

  /** Subdirectories that listings count and that have no entry, and directories begun but neither listed nor explained. */
  coverage(): { missing: number; parents: number; unexplained: number } {
    let missing = 0;
    let parents = 0;
    let unexplained = 0;
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      const flags = this.#flags.get(entry);
      const counted = this.#missingOf(entry);
      const short = counted > 0 && this.#isExplained(entry) ? 0 : counted;
      missing += short;
      if (short > 0) parents += 1;
      if ((flags & HAS_ENTRY) !== 0 && (flags & LISTED) === 0 && !this.problems.has(entry)) unexplained += 1;
    }
    return { missing, parents, unexplained };
  }
}
