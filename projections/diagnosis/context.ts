import { formatCount, plural } from '../text.js';
import type { Commands } from './commands.js';
import { isDone, type ScanFacts } from './facts.js';
import type { IncidentBook, IncidentGroup } from './incidents.js';
import type { DirectoryLedger, LedgerTotals } from './ledger.js';
import type { LiveContext } from './live.js';
import type { JournalReport } from './report.js';
import type { Show } from './show.js';
import type { Finding, FindingCode, Severity, Verdict } from './types.js';
import type { Proof } from './verdict.js';

/** All that findings are made from. */
export interface FindingContext {
  facts: ScanFacts;
  /** What `facts` knows, and what findings conclude for this report alone. */
  incidents: IncidentBook;
  ledger: DirectoryLedger;
  totals: LedgerTotals;
  report: JournalReport;
  live: LiveContext;
  proof: Proof;
  verdict: Verdict;
  commands: Commands;
  show: Show;
}

export type FindingMaker = (context: FindingContext) => Finding[];

/** Whether the scan recorded all it was to record, problems with single entries aside. */
export function isWhole(verdict: Verdict): boolean {
  return verdict === 'complete' || verdict === 'complete-with-problems';
}

/** How bad a group of incidents is now: what a retry or a resumption healed is mere information. */
export function severityOf(context: FindingContext, group: IncidentGroup): Severity {
  const { facts, verdict } = context;
  if (isWhole(verdict)) return 'info';
  const begun = facts.runs.at(-1)?.begun.at ?? null;
  const old = facts.runs.length > 1 && begun !== null && group.until !== null && group.until < begun;
  const states = [...group.chunks]
    .filter((chunk) => chunk > 0)
    .map((chunk) => facts.chunks.get(chunk)?.state);
  if (states.length > 0 && states.every((state) => state === 'completed')) return 'info';
  if (old && states.every((state) => state !== 'failed')) return 'info';
  if (states.includes('failed') || verdict === 'incomplete') return 'error';
  return 'warning';
}

export interface FindingText {
  title: string;
  advice?: string[];
  cost?: string;
  severity?: Severity;
}

/** The finding of a code's incidents; none where there were none. */
export function findingOf(
  context: FindingContext,
  code: FindingCode,
  text: (group: IncidentGroup) => FindingText,
): Finding[] {
  const group = context.incidents.get(code);
  if (group === undefined) return [];
  const {
    title,
    advice = [],
    cost = costOf(context, group),
    severity = severityOf(context, group),
  } = text(group);
  return [
    {
      code,
      severity,
      title,
      count: group.count,
      since: group.since,
      until: group.until,
      cost,
      evidence: group.evidence.map((each) => ({ ...each, text: context.show.words(each.text) })),
      advice: severity === 'info' ? [] : advice,
      explains: [],
    },
  ];
}

/** What a group cost: chunks, of which how many were made good. */
function costOf(context: FindingContext, group: IncidentGroup): string {
  const chunks = [...group.chunks].filter((chunk) => chunk > 0);
  if (chunks.length === 0) return '';
  const facts = chunks.map((chunk) => context.facts.chunks.get(chunk));
  const done = facts.filter((chunk) => chunk !== undefined && isDone(chunk)).length;
  if (done === chunks.length) {
    const again = facts.filter((chunk) => chunk !== undefined && chunk.attempts > 1).length;
    return again === 0
      ? ''
      : `${plural(again, 'chunk')} had to be tried again and ${again === 1 ? 'is' : 'are'} complete`;
  }
  return `${plural(chunks.length - done, 'chunk')} of ${formatCount(context.facts.chunks.size)} not scanned to the end`;
}

/** The first distinct words of engine or system, for a title. */
export function wordsOf(context: FindingContext, group: IncidentGroup): string {
  const [first] = group.details;
  return first === undefined ? '' : context.show.words(first);
}
