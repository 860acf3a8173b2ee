import type { PathText } from '../../journal/events/index.js';

/** Every finding there is. The order is the order of causes: earlier ones explain later ones. */
export const FINDING_CODES = [
  'journal.newer-version',
  'host.rebooted',
  'disk.full',
  'data-dir.unwritable',
  'mount.lost',
  'mount.missing',
  'mount.denied',
  'path.untranslatable',
  'docker.lost',
  'docker.unreachable',
  'docker.disk-full',
  'image.missing',
  'resources.overcommitted',
  'journal.lost',
  'journal.damaged',
  'journal.write-failed',
  'scan.killed',
  'container.oom-killed',
  'container.start-timeout',
  'container.start-failed',
  'container.killed',
  'worker.stalled',
  'container.failed',
  'container.unresponsive',
  'scan.interrupted',
  'scan.empty',
  'coverage.gap',
  'entries.unreadable',
  'catalog.unwritable',
  'catalog.locked',
  'catalog.mismatch',
  'catalog.behind',
  'disk.low',
  'analysis.timed-out',
  'analysis.fallback',
  'journal.torn',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

export const SEVERITIES = ['error', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const VERDICTS = [
  'complete',
  'complete-with-problems',
  'incomplete',
  'interrupted',
  'running',
  'killed',
  'none',
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A record that proves a finding. Nulls where it is about bytes that are no record. */
export interface Evidence {
  /** Relative to the journal's folder. */
  file: string;
  seq: number | null;
  at: string | null;
  text: string;
}

export interface Finding {
  code: FindingCode;
  severity: Severity;
  /** One sentence. */
  title: string;
  /** How often it happened. */
  count: number;
  /** First and last time, where there is one. */
  since: string | null;
  until: string | null;
  /** What it cost, `''` when nothing. */
  cost: string;
  evidence: Evidence[];
  /** Steps in order; what stands between backquotes can be pasted into a shell. */
  advice: string[];
  /** Findings that this one explains. */
  explains: FindingCode[];
}

export interface DiagnosisTotals {
  files: number;
  directories: number;
  bytes: bigint;
  problems: number;
  /** Directories that are known and were not listed. */
  unlisted: number;
  records: number;
  seconds: number;
  filesPerSecond: number;
}

export interface Diagnosis {
  scan: string | null;
  verdict: Verdict;
  /** The verdict in one sentence. */
  sentence: string;
  mountPath: PathText | null;
  mountName: string;
  engine: string;
  startedAt: string | null;
  endedAt: string | null;
  totals: DiagnosisTotals;
  chunks: { planned: number; completed: number; failed: number };
  findings: Finding[];
}
