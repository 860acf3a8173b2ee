import type { EventData, ListedDirectory, PathText } from '../../journal/events/index.js';
import { pathKey } from '../../journal/path-text.js';
import { Column, HashIndex } from './columns.js';
import { hashPath, hashWithParent } from '../../journal/path-hash.js';
import { ProblemBook } from './problems.js';
import { ByteSum, sumRows } from './sums.js';
import type { Evidence } from './types.js';

const HAS_ENTRY = 1;
const LISTED = 2;
const MISCOUNTED = 4;
/** System calls whose failure leaves an entry without a row: they use up one of `entries`. */
const ENTRY_OPERATIONS = new Set(['lstat', 'stat', 'statx', 'fstatat', 'readlink']);
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

/** A listing whose parts have come in so far. */
interface OpenListing {
  nextPart: number;
  files: number;
  bytes: number | bigint;
  named: number;
  certain: number;
  problems: ListedDirectory['problems'];
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
  readonly #files = new Column(Uint32Array);
  readonly #bytes = new Column(Float64Array);
  readonly #bigBytes = new Map<number, bigint>();
  /** Subdirectories that the listing counts, and those that have an entry. */
  readonly #expected = new Column(Uint32Array);
  readonly #seen = new Column(Uint32Array);
  readonly #byteSum = new ByteSum();
  readonly #miscounted = new Map<number, Gap>();
  #miscountedCount = 0;
  #fileSum = 0;
  #listed = 0;
  #entries = 0;
  #source = '';
  #open = new Map<string, OpenListing>();

  /** Takes a batch of one writer; a writer's batches must come in its order. */
  push(batch: EventData<'files.batch'>, writer: string, evidenceOf: (text: string) => Evidence): void {
    if (batch.chunk === 0) return; // a former catalog's rows prove nothing about this scan
    const source = `${writer} ${batch.attempt}`;
    if (source !== this.#source) {
      this.#source = source;
      this.#open = new Map();
    }
    for (const directory of batch.directories) this.#directory(directory, evidenceOf);
  }

  #directory(directory: ListedDirectory, evidenceOf: (text: string) => Evidence): void {
    const { entry, isNew } = this.#intern(directory.path);
    if (isNew) this.#entries += 1;
    const whole = directory.part === 1 && directory.last;
    const key = whole ? '' : pathKey(directory.path);
    const open = directory.part === 1 ? newListing() : this.#open.get(key);
    if (open?.nextPart !== directory.part) {
      this.#open.delete(key);
      return; // a part is missing: the directory stays unlisted in this attempt
    }
    addPart(open, directory);
    if (!directory.last) {
      this.#open.set(key, open);
      if ((this.#flags.get(entry) & LISTED) === 0)
        this.problems.set(entry, directory.path, open.problems, evidenceOf);
      return;
    }
    if (!whole) this.#open.delete(key);
    this.#complete(entry, directory, open, evidenceOf);
  }

  /** The entry of a directory; its first one also counts with its parent. */
  #intern(path: PathText): { entry: number; isNew: boolean } {
    const { self, parent } = hashWithParent(path);
    const entry = this.#index.intern(self);
    const isNew = (this.#flags.get(entry) & HAS_ENTRY) === 0;
    if (isNew) {
      this.#flags.set(entry, this.#flags.get(entry) | HAS_ENTRY);
      if (parent !== null) {
        const above = this.#index.intern(parent);
        this.#seen.set(above, this.#seen.get(above) + 1);
      }
    }
    return { entry, isNew };
  }

  #complete(
    entry: number,
    directory: ListedDirectory,
    listing: OpenListing,
    evidenceOf: (text: string) => Evidence,
  ): void {
    const flags = this.#flags.get(entry);
    if ((flags & LISTED) === 0) this.#listed += 1;
    else {
      this.#fileSum -= this.#files.get(entry);
      this.#byteSum.subtract(this.#bigBytes.get(entry) ?? this.#bytes.get(entry));
    }
    this.#files.set(entry, listing.files);
    this.#fileSum += listing.files;
    this.#setBytes(entry, listing.bytes);
    this.#expected.set(entry, directory.subdirectories ?? 0);
    this.problems.set(entry, directory.path, listing.problems, evidenceOf);
    const missing = missingEntries(directory, listing);
    this.#flags.set(entry, HAS_ENTRY | LISTED | (missing === 0 ? 0 : MISCOUNTED));
    if ((flags & MISCOUNTED) !== 0) this.#forgive(entry);
    if (missing !== 0) this.#miscount(entry, directory.path, missing, evidenceOf);
  }

  #setBytes(entry: number, bytes: number | bigint): void {
    this.#byteSum.add(bytes);
    if (typeof bytes === 'bigint') this.#bigBytes.set(entry, bytes);
    else {
      this.#bytes.set(entry, bytes);
      this.#bigBytes.delete(entry);
    }
  }

  #forgive(entry: number): void {
    this.#miscountedCount -= 1;
    this.#miscounted.delete(entry);
  }

  #miscount(entry: number, path: PathText, missing: number, evidenceOf: (text: string) => Evidence): void {
    this.#miscountedCount += 1;
    if (this.#miscounted.size >= MISCOUNTED_SHOWN_MAX) return;
    const text = `what is recorded of its entries is ${Math.abs(missing)} ${missing > 0 ? 'short' : 'too many'}`;
    this.#miscounted.set(entry, { path, text, evidence: evidenceOf(text) });
  }

  totals(): LedgerTotals {
    return {
      files: this.#fileSum,
      directories: this.#listed,
      bytes: this.#byteSum.value,
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
  missingBelow(path: PathText): number {
    const entry = this.#index.find(hashPath(path));
    return entry < 0 ? 0 : this.#missingOf(entry);
  }

  #missingOf(entry: number): number {
    return Math.max(0, this.#expected.get(entry) - this.#seen.get(entry));
  }

  /** Subdirectories that listings count and that have no entry, and directories begun but neither listed nor explained. */
  coverage(): { missing: number; parents: number; unexplained: number } {
    let missing = 0;
    let parents = 0;
    let unexplained = 0;
    for (let entry = 0; entry < this.#index.size; entry += 1) {
      const flags = this.#flags.get(entry);
      const short = this.#missingOf(entry);
      missing += short;
      if (short > 0) parents += 1;
      if ((flags & HAS_ENTRY) !== 0 && (flags & LISTED) === 0 && !this.problems.has(entry)) unexplained += 1;
    }
    return { missing, parents, unexplained };
  }
}

function newListing(): OpenListing {
  return { nextPart: 1, files: 0, bytes: 0, named: 0, certain: 0, problems: [] };
}

function addPart(open: OpenListing, directory: ListedDirectory): void {
  open.nextPart += 1;
  open.files += directory.rows.length;
  open.bytes = sumRows(open.bytes, directory.rows);
  for (const problem of directory.problems) {
    if (problem.name === '') continue;
    open.named += 1;
    if (ENTRY_OPERATIONS.has(problem.operation)) open.certain += 1;
  }
  if (directory.problems.length > 0) open.problems = [...open.problems, ...directory.problems];
}

/** A file that was recorded but could not be hashed has a row and a problem, so problems span a range. */
function missingEntries(directory: ListedDirectory, listing: OpenListing): number {
  const { entries = 0, subdirectories = 0, others = 0, excluded = 0 } = directory;
  const rest = entries - listing.files - subdirectories - others - excluded;
  if (rest > listing.named) return rest - listing.named;
  return rest < listing.certain ? rest - listing.certain : 0;
}
