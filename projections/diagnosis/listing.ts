import type { ListedDirectory, PathText } from '../../journal/events/index.js';
import { addExactly } from '../../journal/exact-sum.js';
import { rowTotals } from '../../journal/indexed-batch.js';

/** System calls whose failure leaves an entry without a row: they use up one of `entries`. */
const ENTRY_OPERATIONS = new Set(['lstat', 'stat', 'statx', 'fstatat', 'readlink']);

/** One directory, or one part of it, with the sums of its rows instead of them. */
export interface Listing {
  path: PathText;
  part: number;
  last: boolean;
  files: number;
  /** A number as long as that is exact. */
  bytes: number | bigint;
  problems: ListedDirectory['problems'];
  subdirectories: number;
  /** Entries that have to be files, or problems: what is left of the directory's own count. Only with `last`. */
  rest: number;
}

export function listingOf(directory: ListedDirectory): Listing {
  const { path, part, last, problems } = directory;
  const { files, bytes } = rowTotals(directory);
  const { entries = 0, subdirectories = 0, others = 0, excluded = 0 } = directory;
  const rest = entries - subdirectories - others - excluded;
  return { path, part, last, files, bytes, problems, subdirectories, rest };
}

/** A directory whose parts have come in so far. */
export interface OpenListing {
  nextPart: number;
  files: number;
  bytes: number | bigint;
  /** Problems of entries, and those among them that leave an entry without a row for certain. */
  named: number;
  certain: number;
  problems: ListedDirectory['problems'];
}

export function newListing(): OpenListing {
  return { nextPart: 1, files: 0, bytes: 0, named: 0, certain: 0, problems: [] };
}

export function addPart(open: OpenListing, listing: Listing): void {
  open.nextPart += 1;
  open.files += listing.files;
  open.bytes = addExactly(open.bytes, listing.bytes);
  for (const problem of listing.problems) {
    if (problem.name === '') continue;
    open.named += 1;
    if (ENTRY_OPERATIONS.has(problem.operation)) open.certain += 1;
  }
  if (listing.problems.length > 0) open.problems = [...open.problems, ...listing.problems];
}

/** A file that was recorded but could not be hashed has a row and a problem, so problems span a range. */
export function missingEntries(
  { rest }: Pick<Listing, 'rest'>,
  { files, named, certain }: Pick<OpenListing, 'files' | 'named' | 'certain'>,
): number {
  const without = rest - files;
  if (without > named) return without - named;
  return without < certain ? without - certain : 0;
}
