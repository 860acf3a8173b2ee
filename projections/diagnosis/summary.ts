import { formatBytes, formatCount, plural } from '../text.js';
import type { FindingContext } from './context.js';
import { isDone } from './facts.js';
import type { LedgerTotals } from './ledger.js';
import { SEVERITIES, type DiagnosisTotals, type Finding } from './types.js';

/** Stable: within a severity causes stay in their order. */
export function severestFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

export function totalsOf(
  totals: LedgerTotals,
  span: { records: number; firstAt: string | null; lastAt: string | null },
): DiagnosisTotals {
  const milliseconds =
    span.firstAt === null || span.lastAt === null ? 0 : Date.parse(span.lastAt) - Date.parse(span.firstAt);
  const seconds = milliseconds / 1000;
  return {
    files: totals.files,
    directories: totals.directories,
    bytes: totals.bytes,
    problems: totals.problems,
    unlisted: totals.unlisted,
    records: span.records,
    seconds,
    filesPerSecond: seconds > 0 ? Math.round((totals.files / seconds) * 10) / 10 : 0,
  };
}

/** The verdict in one sentence, for whoever reads no further. */
export function sentenceOf(context: FindingContext): string {
  const { totals, facts, verdict } = context;
  const what = `${plural(totals.files, 'file')} in ${plural(totals.directories, 'directory', 'directories')} (${formatBytes(totals.bytes)})`;
  const done = [...facts.chunks.values()].filter(isDone).length;
  const chunks = `${formatCount(done)} of ${plural(facts.chunks.size, 'chunk')} complete`;
  switch (verdict) {
    case 'complete':
      return `Complete: ${what}, every directory accounted for.`;
    case 'complete-with-problems':
      if (totals.files === 0) return 'Complete, but not one file was found.';
      return `Complete but for ${plural(totals.problems, 'entry', 'entries')} that could not be read: ${what}.`;
    case 'incomplete':
      if (facts.started === null)
        return `Incomplete: the journal has lost what the coordinator wrote; ${what} recorded by its workers.`;
      if (facts.chunks.size === 0) return 'Nothing was scanned: a check before the scan failed.';
      return `Incomplete: ${chunks}; ${what} recorded so far.`;
    case 'interrupted':
      return `Stopped by ${facts.interrupted?.signal ?? 'a signal'}: ${chunks}; ${what} kept, the same scan goes on from there.`;
    case 'running':
      return `Running: ${chunks}; ${what} recorded so far.`;
    case 'killed':
      return `Killed before its end: ${chunks}; ${what} kept, the same scan goes on from there.`;
    case 'none':
      return 'There is no scan in this journal yet.';
  }
}
