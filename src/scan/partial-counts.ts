import type { ChunkLedger } from './ledger.js';
import { addTotals, NO_TOTALS, type Chunk, type Totals } from './state.js';

export interface PartialCounts {
  /** What chunks hold that did not complete. */
  totals: Totals;
  /** Every directory that a listing names was entered. */
  coverageProven: boolean;
  /** No directory can be in it twice. */
  isExact: boolean;
}

/** @param ledgerOf of a chunk that this coordinator has followed */
export function partialCounts(
  chunks: Iterable<Chunk>,
  ledgerOf: (chunk: number) => ChunkLedger | undefined,
): PartialCounts {
  let totals = NO_TOTALS;
  let named = 1; // the mount itself
  let entered = 0;
  let isExact = true;
  for (const chunk of chunks) {
    const ledger = ledgerOf(chunk.id);
    if (chunk.status !== 'completed' && ledger !== undefined) totals = addTotals(totals, ledger.totals);
    // One that failed and was cut; one that gave away what earlier attempts may have begun.
    if (chunk.wasSplit && (chunk.status === 'split' || chunk.attempts > 1)) isExact = false;
    if (chunk.status !== 'completed' && ledger?.isExact === false) isExact = false;
    const coverage = chunk.coverage ?? ledger?.coverage;
    named += coverage?.subdirectories ?? 0;
    entered += coverage?.entered ?? 0;
  }
  return { totals, coverageProven: entered >= named, isExact };
}
