import { rowTotals } from '../../journal/indexed-batch.js';
import { hashNumber, hashPath } from '../../journal/path-hash.js';
import { pathKey } from '../../journal/path-text.js';
import type { EventData, ListedDirectory } from '../../journal/events/index.js';
import { NO_TOTALS, type Totals } from './state.js';

/** A listing whose parts have come in so far. */
interface OpenListing {
  nextPart: number;
  files: number;
  bytes: bigint;
  problems: number;
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
  readonly #open = new Map<string, OpenListing>();
  readonly #unlisted = new Map<string, number>();
  /** Hashes of the directories that are counted: a later attempt may list one again. */
  readonly #counted = new Set<number>();
  #firstAttempt = 0;
  #attempt = 0;
  #attemptTotals: Totals = NO_TOTALS;

  /** Takes one `files.batch` of the chunk, in the writer's order. */
  push(batch: EventData<'files.batch'>): void {
    if (batch.attempt !== this.#attempt) {
      this.#attempt = batch.attempt;
      this.#firstAttempt ||= batch.attempt;
      this.#attemptTotals = NO_TOTALS;
      this.#open.clear();
    }
    for (const directory of batch.directories) this.#directory(directory);
  }

  #directory(directory: ListedDirectory): void {
    const key = pathKey(directory.path);
    const problems = directory.problems.length;
    this.#attemptTotals = { ...this.#attemptTotals, problems: this.#attemptTotals.problems + problems };
    const listing =
      directory.part === 1 ? { nextPart: 1, files: 0, bytes: 0n, problems: 0 } : this.#open.get(key);
    if (listing?.nextPart !== directory.part) {
      // A part is missing: the directory stays unlisted in this attempt.
      this.#open.delete(key);
      this.#unlisted.set(key, problems);
      return;
    }
    listing.nextPart += 1;
    const { files, bytes } = rowTotals(directory);
    listing.files += files;
    listing.bytes += BigInt(bytes);
    listing.problems += problems;
    if (directory.last) this.#completeListing(key, listing, directory.subdirectories ?? 0);
    else {
      this.#open.set(key, listing);
      this.#unlisted.set(key, listing.problems);
    }
  }

  #completeListing(key: string, listing: OpenListing, subdirectories: number): void {
    this.#open.delete(key);
    this.#unlisted.delete(key);
    this.#attemptTotals = addListing(this.#attemptTotals, listing);
    const hash = hashNumber(hashPath(key));
    if (this.#attempt !== this.#firstAttempt && this.#counted.has(hash)) return;
    this.#counted.add(hash);
    this.#subdirectories += subdirectories;
    this.#complete = {
      files: this.#complete.files + listing.files,
      directories: this.#complete.directories + 1,
      bytes: this.#complete.bytes + listing.bytes,
      problems: this.#complete.problems + listing.problems,
    };
  }

  /** Over all attempts. */
  get totals(): Totals {
    let problems = this.#complete.problems;
    for (const each of this.#unlisted.values()) problems += each;
    return { ...this.#complete, problems };
  }

  /** What `chunk.scanned` of the given attempt has to say. */
  totalsOfAttempt(attempt: number): Totals {
    return attempt === this.#attempt ? this.#attemptTotals : NO_TOTALS;
  }

  /** Subdirectories named by complete listings, and directories that have an entry, listed or not. */
  get coverage(): { subdirectories: number; entered: number } {
    let entered = this.#complete.directories;
    // One that was listed before it failed has been counted.
    for (const key of this.#unlisted.keys()) if (!this.#counted.has(hashNumber(hashPath(key)))) entered += 1;
    return { subdirectories: this.#subdirectories, entered };
  }
}

/** Adds a listing whose problems have been counted already, part by part. */
function addListing(sum: Totals, listing: OpenListing): Totals {
  return {
    files: sum.files + listing.files,
    directories: sum.directories + 1,
    bytes: sum.bytes + listing.bytes,
    problems: sum.problems,
  };
}
