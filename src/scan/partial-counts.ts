import type { ChunkLedger } from './ledger.js';
import { addTotals, NO_TOTALS, type Chunk, type Totals } from './state.js';

export interface PartialCounts {
  /** What chunks hold that did not complete. */
  totals: Totals;
  /** Every directory that a listing names was entered. */
  coverageProven: boolean;
}

/** @param ledgerOf of a chunk that this coordinator has followed */
export function partialCounts(
  chunks: Iterable<Chunk>,
  ledgerOf: (chunk: number) => ChunkLedger | undefined,
): PartialCounts {
  let totals = NO_TOTALS;
  let named = 1; // the mount itself
  let entered = 0;
  for (const chunk of chunks) {
    const ledger = ledgerOf(chunk.id);
    if (chunk.status !== 'completed' && ledger !== undefined) totals = addTotals(totals, ledger.totals);
    const coverage = chunk.coverage ?? ledger?.coverage;
    named += coverage?.subdirectories ?? 0;
    entered += coverage?.entered ?? 0;
  }
  return { totals, coverageProven: entered >= named };
}
