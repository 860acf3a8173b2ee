import type { ListedDirectory } from '../journal/events/index.js';

/** A row of `directories`: its newest entry, and its newest complete listing. */
export interface DirectoryState {
  /** The attempt of the newest entry, and how many of its parts are there without a gap; 0: there is a hole. */
  scan: string;
  chunk: number;
  attempt: number;
  part: number;
  /** Whether the directory was known before this attempt, so that files may have to leave. */
  tracked: boolean;
  partFiles: number;
  partBytes: bigint;
  /** The newest scan that met it, readable or not. */
  seenScan: string | null;
  listedScan: string | null;
  listedAt: number | null;
  files: number;
  bytes: bigint;
  entries: number | null;
  subdirectories: number | null;
  others: number | null;
  excluded: number | null;
}

/**
 * Takes the next part of a listing. `part` counts those that are there without a gap, from 1, of one attempt; it is 0
 * while the listing has a hole, until an attempt begins anew.
 */
export function nextState(
  before: DirectoryState | null,
  entry: ListedDirectory,
  { scan, chunk, attempt }: { scan: string; chunk: number; attempt: number },
): DirectoryState {
  const goesOn = before?.scan === scan && before.chunk === chunk && before.attempt === attempt;
  const state: DirectoryState = before ?? { ...NEVER_SEEN, scan };
  if (entry.part === 1) {
    return Object.assign(state, {
      scan,
      chunk,
      attempt,
      part: 1,
      tracked: before !== null,
      partFiles: 0,
      partBytes: 0n,
    });
  }
  const part = goesOn && state.part === entry.part - 1 ? entry.part : 0;
  return Object.assign(state, { scan, chunk, attempt, part });
}

const NEVER_SEEN: Omit<DirectoryState, 'scan'> = {
  chunk: 0,
  attempt: 0,
  part: 0,
  tracked: false,
  partFiles: 0,
  partBytes: 0n,
  seenScan: null,
  listedScan: null,
  listedAt: null,
  files: 0,
  bytes: 0n,
  entries: null,
  subdirectories: null,
  others: null,
  excluded: null,
};
