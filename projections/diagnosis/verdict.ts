import type { BigCount } from '../../journal/events/index.js';
import { wordForUnstarted } from '../unstarted.js';
import { isDone, type ScanFacts } from './facts.js';
import type { DirectoryLedger, LedgerTotals } from './ledger.js';
import type { LiveContext } from './live.js';
import type { JournalReport, JournalSegment } from './report.js';
import type { Verdict } from './types.js';

/** What it takes to call a scan complete, and what of it is missing. */
export interface Proof {
  sound: boolean;
  /** Segments neither sealed nor bounded by `writer.settled` or by their writer's next epoch. */
  unsettled: JournalSegment[];
  /** Subdirectories that listings count and that nothing was recorded of, and how many listings count them. */
  missingDirectories: number;
  missingParents: number;
  /** Directories with an entry, no complete listing and no problem. */
  unexplained: number;
  miscounted: number;
  rootCovered: boolean;
  /** The last word's totals are those of the records. */
  totalsAgree: boolean;
  chunksDone: boolean;
  /** Records whose payload could not be understood. */
  strange: number;
  /** Records that a newer program wrote in a way this one does not know. */
  newer: number;
  /** All that concerns what is covered. */
  covered: boolean;
}

export interface ProofInput {
  facts: ScanFacts;
  ledger: DirectoryLedger;
  totals: LedgerTotals;
  report: JournalReport;
  /** `writer/epoch` of every `writer.settled`. */
  settled: ReadonlySet<string>;
  strange: number;
  newer: number;
}

export function prove({ facts, ledger, totals, report, settled, strange, newer }: ProofInput): Proof {
  const { missing, parents, unexplained } = ledger.coverage();
  const mountPath = facts.started?.mountPath;
  const rootCovered = mountPath !== undefined && ledger.hasEntry(mountPath);
  const miscounted = ledger.miscounted.count;
  const totalsAgree = facts.completed !== null && sameTotals(facts.completed.data, totals);
  return {
    sound: report.sound,
    unsettled: unsettledSegments(report, settled),
    missingDirectories: missing,
    missingParents: parents,
    unexplained,
    miscounted,
    rootCovered,
    totalsAgree,
    chunksDone: facts.chunks.size > 0 && [...facts.chunks.values()].every(isDone),
    strange,
    newer,
    covered: missing === 0 && unexplained === 0 && miscounted === 0 && rootCovered && totalsAgree,
  };
}

function sameTotals(
  said: { files: number; directories: number; bytes: BigCount },
  held: LedgerTotals,
): boolean {
  return (
    said.files === held.files && said.directories === held.directories && BigInt(said.bytes) === held.bytes
  );
}

function unsettledSegments(report: JournalReport, settled: ReadonlySet<string>): JournalSegment[] {
  const newestEpoch = new Map<string, number>();
  for (const { writer, epoch } of report.segments) {
    newestEpoch.set(writer, Math.max(newestEpoch.get(writer) ?? 0, epoch));
  }
  return report.segments.filter(({ writer, epoch, state }) => {
    if (state === 'sealed' || settled.has(`${writer}/${epoch}`)) return false;
    return epoch >= (newestEpoch.get(writer) ?? 0);
  });
}

/** Never `complete` unless all of it is proven. */
export function judge(facts: ScanFacts, proof: Proof, totals: LedgerTotals, live: LiveContext): Verdict {
  const unfinished = (): Verdict => {
    if (live.locked) return 'running';
    if (facts.started === null) return wordForUnstarted(proof.sound);
    return facts.interrupted === null ? 'killed' : 'interrupted';
  };
  if (facts.completed === null) return unfinished();
  const { outcome } = facts.completed.data;
  if (outcome === 'incomplete') return 'incomplete';
  const proven = proof.sound && proof.covered && proof.chunksDone && proof.strange === 0 && proof.newer === 0;
  if (!proven) return 'incomplete';
  // Its last word is there, the seal behind it is not: it is ending now, or died while doing so.
  if (proof.unsettled.length > 0) return unfinished();
  return outcome === 'complete' && totals.problems === 0 && totals.files > 0
    ? 'complete'
    : 'complete-with-problems';
}
