import { formatBytes } from '../../text.js';
import { findingOf, isWhole, severityOf, wordsOf, type FindingContext } from '../context.js';
import type { IncidentGroup } from '../incidents.js';
import type { Finding, Severity } from '../types.js';

/** Below this a journal has little time left. */
const LOW_BYTES = 512 * 1024 ** 2;

/** `disk.full`, `data-dir.unwritable`, `disk.low`: room and rights for the journal. */
export function spaceFindings(context: FindingContext): Finding[] {
  now(context);
  return [...full(context), ...unwritable(context), ...low(context)];
}

/** A scan whose journal ends without a last word, in a place where nothing can be written: that is why. */
function now({ verdict, live, facts, incidents }: FindingContext): void {
  const last = facts.runs.at(-1)?.last;
  if (verdict !== 'killed' || live.unwritable === null || last === undefined) return;
  const { code, detail } = live.unwritable;
  incidents.add(code, {
    evidence: { ...last, text: `the journal stops here; now: ${detail}` },
    detail,
  });
}

/** A coordinator that dies this soon after the disk failed it died of that. */
const DEATH_SOON_MS = 60_000;

function severity(context: FindingContext, group: IncidentGroup): Severity {
  const usual = severityOf(context, group);
  if (usual !== 'info' && isHealed(context, group)) return 'info';
  const last = context.facts.runs.at(-1)?.last.at ?? null;
  if (usual !== 'warning' || context.verdict !== 'killed' || last === null || group.until === null)
    return usual;
  return Date.parse(last) - Date.parse(group.until) <= DEATH_SOON_MS ? 'error' : usual;
}

/** It was nothing but pauses, and the last one is over. */
function isHealed({ facts, verdict }: FindingContext, { code, chunks }: IncidentGroup): boolean {
  return code === 'disk.full' && chunks.size === 0 && facts.paused === null && verdict !== 'killed';
}

function full(context: FindingContext): Finding[] {
  return findingOf(context, 'disk.full', (group) => ({
    title: `The disk of the data directory was full: ${wordsOf(context, group)}`,
    severity: severity(context, group),
    advice: [
      `See its room: \`df -h ${context.commands.dataDir}\``,
      `Make room (old scans' journals show in \`${context.commands.own('scans')}\`), or move the data directory to a larger disk`,
      `Then start the same scan again; it goes on where it was: \`${context.commands.scan()}\``,
    ],
  }));
}

function unwritable(context: FindingContext): Finding[] {
  return findingOf(context, 'data-dir.unwritable', (group) => ({
    title: `The data directory cannot be written: ${wordsOf(context, group)}`,
    severity: severity(context, group),
    advice: [
      `See whose it is, and whether its file system is read-only: \`ls -lad ${context.commands.dataDir}; findmnt -T ${context.commands.dataDir}\``,
      'Give it to the user the scan runs as (PUID and PGID in a container), or mount it read-write',
      `Then start the same scan again: \`${context.commands.scan()}\``,
    ],
  }));
}

function low(context: FindingContext): Finding[] {
  const { incidents } = context;
  const { lowestFreeBytes } = context.facts;
  if (lowestFreeBytes !== null && lowestFreeBytes.bytes < LOW_BYTES) {
    const text = `${formatBytes(lowestFreeBytes.bytes)} were free for the journal`;
    incidents.add('disk.low', { evidence: { ...lowestFreeBytes.evidence, text }, detail: text });
  }
  return findingOf(context, 'disk.low', (group) => ({
    title: `The disk of the data directory is nearly full: ${wordsOf(context, group)}`,
    severity: isWhole(context.verdict) ? 'info' : 'warning',
    cost: '',
    advice: [
      `See its room: \`df -h ${context.commands.dataDir}\``,
      'Make room before the next scan: a full disk pauses it',
    ],
  }));
}
