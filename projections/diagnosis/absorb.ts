import { FINDING_CODES, SEVERITIES, type Finding, type FindingCode } from './types.js';

/** What each cause explains when both are there: the symptom is no finding of its own then. */
export const EXPLAINS: Partial<Record<FindingCode, readonly FindingCode[]>> = {
  // What was not understood may be the very record that says otherwise.
  'journal.newer-version': [
    'host.rebooted',
    'scan.killed',
    'scan.interrupted',
    'scan.empty',
    'coverage.gap',
    'container.killed',
    'container.failed',
    'catalog.behind',
    'catalog.mismatch',
  ],
  'host.rebooted': [
    'scan.killed',
    'container.killed',
    'container.failed',
    'docker.lost',
    'worker.stalled',
    'catalog.behind',
    'journal.torn',
  ],
  'scan.killed': ['catalog.behind', 'journal.torn', 'disk.low'],
  'scan.interrupted': ['journal.torn'],
  'disk.full': [
    'journal.write-failed',
    'data-dir.unwritable',
    'catalog.unwritable',
    'catalog.behind',
    'container.failed',
    'scan.killed',
    'disk.low',
    'journal.torn',
  ],
  'data-dir.unwritable': [
    'journal.write-failed',
    'catalog.unwritable',
    'catalog.behind',
    'container.failed',
    'scan.killed',
    'journal.torn',
  ],
  'journal.write-failed': ['container.failed', 'journal.torn'],
  'mount.missing': [
    'scan.empty',
    'entries.unreadable',
    'analysis.timed-out',
    'analysis.fallback',
    'container.failed',
    'coverage.gap',
  ],
  'mount.denied': ['scan.empty', 'entries.unreadable', 'analysis.fallback', 'coverage.gap'],
  'mount.lost': [
    'scan.empty',
    'mount.missing',
    'worker.stalled',
    'container.unresponsive',
    'container.killed',
    'container.failed',
    'analysis.timed-out',
    'analysis.fallback',
    'coverage.gap',
  ],
  'docker.unreachable': ['image.missing', 'container.start-failed', 'container.start-timeout'],
  'docker.lost': [
    'docker.unreachable',
    'container.killed',
    'container.failed',
    'container.unresponsive',
    'container.start-failed',
    'container.start-timeout',
    'worker.stalled',
    'journal.torn',
  ],
  'docker.disk-full': ['container.start-failed', 'container.failed'],
  'image.missing': ['container.start-failed'],
  'path.untranslatable': ['container.start-failed', 'container.failed'],
  'resources.overcommitted': ['container.start-failed'],
  'journal.lost': ['coverage.gap', 'container.failed', 'catalog.mismatch', 'journal.torn'],
  'journal.damaged': ['coverage.gap', 'container.failed', 'catalog.mismatch', 'journal.torn'],
  'container.oom-killed': ['container.unresponsive', 'coverage.gap', 'journal.torn'],
  'container.killed': ['container.unresponsive', 'coverage.gap', 'journal.torn'],
  'container.failed': ['container.unresponsive', 'coverage.gap', 'journal.torn'],
  'worker.stalled': ['container.unresponsive', 'coverage.gap', 'journal.torn'],
  'container.start-failed': ['coverage.gap'],
  'container.start-timeout': ['coverage.gap'],
  'scan.empty': ['coverage.gap'],
  'analysis.timed-out': ['analysis.fallback'],
};

function rank(finding: Finding): number {
  return SEVERITIES.indexOf(finding.severity) * FINDING_CODES.length + FINDING_CODES.indexOf(finding.code);
}

/**
 * Leaves the causes and puts them in order, the worst first. A cause absorbs a symptom only where it is at least
 * as bad: a trouble that was healed does not explain one that was not.
 */
export function absorb(findings: readonly Finding[]): Finding[] {
  const ordered = [...findings].sort((a, b) => rank(a) - rank(b));
  const absorbed = new Set<FindingCode>();
  const kept: Finding[] = [];
  for (const cause of ordered) {
    if (absorbed.has(cause.code)) continue;
    const symptoms = ordered.filter((other) => {
      const later =
        other !== cause && !absorbed.has(other.code) && !kept.some((each) => each.code === other.code);
      return later && EXPLAINS[cause.code]?.includes(other.code) === true && atLeastAsBad(cause, other);
    });
    for (const { code } of symptoms) absorbed.add(code);
    kept.push({ ...cause, explains: symptoms.map(({ code }) => code) });
  }
  return kept;
}

function atLeastAsBad(cause: Finding, symptom: Finding): boolean {
  return SEVERITIES.indexOf(cause.severity) <= SEVERITIES.indexOf(symptom.severity);
}
