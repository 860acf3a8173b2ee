import type { ListedDirectory } from '../../journal/events/index.js';
import { rowTotals } from '../../journal/indexed-batch.js';
import { pathKey } from '../../journal/path-text.js';

/** What a complete listing holds. */
export interface HeldListing {
  files: number;
  bytes: bigint;
  problems: number;
  /** Subdirectories that it names. */
  subdirectories: number;
}

interface OpenListing extends HeldListing {
  nextPart: number;
}

/** Puts the parts of directories together, of one writer in its order: only parts 1 to last of one attempt are a listing. */
export class ListingParts {
  #attempt = 0;
  readonly #open = new Map<string, OpenListing>();

  /** @returns the listing that ends with this part, null where none does; and the problems so far of one that has not ended */
  push(attempt: number, directory: ListedDirectory): { listing: HeldListing | null; problems: number } {
    if (attempt !== this.#attempt) this.#open.clear();
    this.#attempt = attempt;
    const key = pathKey(directory.path);
    const listing = directory.part === 1 ? newListing() : this.#open.get(key);
    this.#open.delete(key);
    // Where a part is missing, the directory stays unlisted in this attempt.
    if (listing?.nextPart !== directory.part) return { listing: null, problems: directory.problems.length };
    const { files, bytes } = rowTotals(directory);
    listing.nextPart += 1;
    listing.files += files;
    listing.bytes += BigInt(bytes);
    listing.problems += directory.problems.length;
    listing.subdirectories = directory.subdirectories ?? 0;
    if (directory.last) return { listing, problems: 0 };
    this.#open.set(key, listing);
    return { listing: null, problems: listing.problems };
  }
}

function newListing(): OpenListing {
  return { nextPart: 1, files: 0, bytes: 0n, problems: 0, subdirectories: 0 };
}

/** Why a directory itself could not be listed, as far as this part of it says: errno's name. */
export function ownFailure({ last, problems }: ListedDirectory): string | null {
  return last ? null : (problems.find(({ name }) => name === '')?.code ?? null);
}
