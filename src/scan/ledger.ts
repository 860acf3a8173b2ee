import { pathKey } from '../../journal/path-text.js';
import type { EventData, ListedDirectory } from '../../journal/events/index.js';
import type { CountedDirectories } from './counted.js';
import { ListingParts, ownFailure, type HeldListing } from './listing-parts.js';
import { NO_TOTALS, type Totals } from './state.js';

/** Errno's names: of all problems; and by pathKey why directories could not be listed. */
interface Troubles {
  codes: Set<string>;
  failures: Map<string, string>;
}

function newTroubles(): Troubles {
  return { codes: new Set(), failures: new Map() };
}

/**
 * Counts what one chunk's writer has recorded, over all its attempts.
 * A directory counts when its listing is complete (parts 1 to last of one attempt); a directory that
 * could not be listed counts only with its problems, and no longer once a later attempt has listed it.
 */
export class ChunkLedger {
  #complete: Totals = NO_TOTALS;
  /** Subdirectories that the complete listings name. */
  #subdirectories = 0;
  readonly #parts = new ListingParts();
  readonly #unlisted = new Map<string, number>();
  readonly #chunk: number;
  /** A later attempt may list one again. */
  readonly #counted: CountedDirectories;
  #firstAttempt = 0;
  #attempt = 0;
  #attemptTotals: Totals = NO_TOTALS;
  /** Of the newest attempt. */
  #troubles = newTroubles();
  #isExact = true;

  constructor(chunk: number, counted: CountedDirectories) {
    this.#chunk = chunk;
    this.#counted = counted;
  }

  /** Takes one `files.batch` of the chunk, in the writer's order. */
  push(batch: EventData<'files.batch'>): void {
    if (batch.attempt !== this.#attempt) {
      this.#attempt = batch.attempt;
      this.#firstAttempt ||= batch.attempt;
      this.#attemptTotals = NO_TOTALS;
      this.#troubles = newTroubles();
    }
    for (const directory of batch.directories) this.#directory(directory);
  }

  #directory(directory: ListedDirectory): void {
    const key = pathKey(directory.path);
    const found = directory.problems.length;
    this.#attemptTotals = { ...this.#attemptTotals, problems: this.#attemptTotals.problems + found };
    const failure = ownFailure(directory);
    if (failure !== null) this.#troubles.failures.set(key, failure);
    for (const { code } of directory.problems) this.#troubles.codes.add(code);
    const { listing, problems } = this.#parts.push(this.#attempt, directory);
    if (listing === null) this.#unlisted.set(key, problems);
    else this.#completeListing(key, listing);
  }

  #completeListing(key: string, listing: HeldListing): void {
    this.#unlisted.delete(key);
    this.#troubles.failures.delete(key);
    this.#attemptTotals = addListing(this.#attemptTotals, listing);
    if (!this.#counted.add(this.#chunk, key) && this.#attempt !== this.#firstAttempt) {
      this.#isExact = false;
      return;
    }
    this.#subdirectories += listing.subdirectories;
    const { problems } = this.#complete;
    this.#complete = { ...addListing(this.#complete, listing), problems: problems + listing.problems };
  }

  /** Over all attempts. */
  get totals(): Totals {
    let problems = this.#complete.problems;
    for (const each of this.#unlisted.values()) problems += each;
    return { ...this.#complete, problems };
  }

  /** Whether no directory has been listed anew: it counts with its first listing here, and is to count with its last. */
  get isExact(): boolean {
    return this.#isExact;
  }

  /** What `chunk.scanned` of the given attempt has to say. */
  totalsOfAttempt(attempt: number): Totals {
    return attempt === this.#attempt ? this.#attemptTotals : NO_TOTALS;
  }

  /** What kept the given attempt from reading what it met. */
  troublesOfAttempt(attempt: number): Troubles {
    return attempt === this.#attempt ? this.#troubles : newTroubles();
  }

  /** Subdirectories named by complete listings, and directories that have an entry, listed or not. */
  get coverage(): { subdirectories: number; entered: number } {
    let entered = this.#complete.directories;
    // One that was listed before it failed has been counted.
    for (const key of this.#unlisted.keys()) if (!this.#counted.has(this.#chunk, key)) entered += 1;
    return { subdirectories: this.#subdirectories, entered };
  }
}

/** Adds a listing whose problems have been counted already, part by part. */
function addListing(sum: Totals, listing: HeldListing): Totals {
  return {
    files: sum.files + listing.files,
    directories: sum.directories + 1,
    bytes: sum.bytes + listing.bytes,
    problems: sum.problems,
  };
}
