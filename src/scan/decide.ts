import { bigCountOf } from '../../journal/big-count.js';
import type { ChunkReason, ChunkRoot, EventData, ScanOutcome } from '../../journal/events/index.js';
import {
  addTotals,
  chunkCounts,
  totalsOf,
  type Chunk,
  type Coverage,
  type ScanState,
  type Totals,
} from './state.js';

/** A place to scan that is in no chunk yet. */
export interface Plan {
  roots: ChunkRoot[];
  reason: ChunkReason;
  estimatedFiles: number;
  estimatedBytes: number;
  /** A part of a chunk that kept failing. */
  isolating?: boolean;
}

/** The number of the chunk that is planned next; numbers are never used twice. */
export function nextChunk(state: ScanState): number {
  return Math.max(0, ...state.chunks.keys()) + 1;
}

export function planChunk(state: ScanState, plan: Plan): EventData<'chunk.planned'> {
  return { chunk: nextChunk(state), ...plan, estimatedBytes: bigCountOf(plan.estimatedBytes) };
}

/** How an attempt ended, with what its journal holds. */
export interface AttemptEnd {
  attempt: number;
  exitCode: number | null;
  signal: string | null;
  oomKilled: boolean;
  /** The engine's own words. */
  error: string;
  /** Its segments end in a verified seal. */
  sealed: boolean;
  /** The payload of its `chunk.scanned`, null where there is none. */
  scanned: EventData<'chunk.scanned'> | null;
  /** What its records add up to. */
  held: Totals;
}

/** Why the attempt did not complete its chunk; null when it did. */
export function failureOf(end: AttemptEnd): string | null {
  if (end.oomKilled) return 'killed: out of memory';
  if (end.exitCode === null)
    return end.signal === null ? `vanished: ${end.error}` : `killed by ${end.signal}`;
  if (end.exitCode !== 0) {
    const by = end.signal === null ? '' : ` (${end.signal})`;
    return `ended with exit code ${end.exitCode}${by}${end.error === '' ? '' : `: ${end.error}`}`;
  }
  if (end.scanned?.attempt !== end.attempt)
    return 'ended with exit code 0 but did not record a finished chunk';
  if (!end.sealed) return 'ended with exit code 0 but its last segment is not sealed';
  const { files, directories, bytes, problems } = end.scanned;
  const { held } = end;
  if (
    files !== held.files ||
    directories !== held.directories ||
    BigInt(bytes) !== held.bytes ||
    problems !== held.problems
  ) {
    return (
      `said ${files} files in ${directories} directories (${bytes} bytes, ${problems} problems), ` +
      `but its journal holds ${held.files} in ${held.directories} (${held.bytes} bytes, ${held.problems} problems)`
    );
  }
  return null;
}

/** A failed attempt: again, or given up. */
export function failChunk(
  chunk: Chunk,
  attempt: number,
  reason: string,
  retries: number,
): EventData<'chunk.failed'> {
  // A part of a chunk that kept failing is not tried as often again: the point is to find what poisons it.
  const again = chunk.isolating ? 0 : retries;
  return { chunk: chunk.id, attempt, reason, willRetry: chunk.failures < again };
}

export function completeChunk(
  chunk: number,
  attempt: number,
  { totals, coverage }: { totals: Totals; coverage: Coverage },
): EventData<'chunk.completed'> {
  return {
    chunk,
    attempt,
    files: totals.files,
    directories: totals.directories,
    bytes: bigCountOf(totals.bytes),
    problems: totals.problems,
    coverage: { ...coverage },
  };
}

/**
 * The scan's last word.
 * @param partial what chunks hold that did not complete
 * @param coverageProven every directory that a listing names has an entry of its own
 * @param totals where they are known better than from what chunks hold
 */
export function completeScan(
  state: ScanState,
  partial: Totals,
  coverageProven: boolean,
  totals = addTotals(totalsOf(state), partial),
): EventData<'scan.completed'> {
  const chunks = chunkCounts(state);
  return {
    outcome: outcomeOf(totals, chunks, state.planned && coverageProven),
    files: totals.files,
    directories: totals.directories,
    bytes: bigCountOf(totals.bytes),
    problems: totals.problems,
    chunks,
  };
}

function outcomeOf(
  totals: Totals,
  chunks: EventData<'scan.completed'>['chunks'],
  everythingCovered: boolean,
): ScanOutcome {
  if (!everythingCovered || chunks.completed < chunks.planned) return 'incomplete';
  return totals.problems > 0 || totals.files === 0 ? 'complete-with-problems' : 'complete';
}
