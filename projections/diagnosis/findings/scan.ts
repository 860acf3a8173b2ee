import { formatLocalTime, plural } from '../../text.js';
import { isWhole, type FindingContext } from '../context.js';
import { isDone, type Run } from '../facts.js';
import type { Evidence, Finding, FindingCode, Severity } from '../types.js';

/** A machine needs some time from its boot to its first record; clocks differ by less. */
const BOOT_SLACK_MS = 120_000;

interface Death {
  code: 'scan.killed' | 'host.rebooted';
  last: Evidence;
  healedBy: Evidence | null;
}

/** `scan.killed`, `host.rebooted`, `scan.interrupted`, `scan.empty`: how the coordinator ended. */
export function scanFindings(context: FindingContext): Finding[] {
  return [...deaths(context), ...interrupted(context), ...empty(context)];
}

/** Every life of the coordinator that ended without a last word. */
function deaths(context: FindingContext): Finding[] {
  const { runs } = context.facts;
  const found: Death[] = [];
  runs.forEach((run, index) => {
    const next = runs[index + 1];
    if (next === undefined) {
      if (context.verdict === 'killed')
        found.push({ code: codeOfLastDeath(context, run), last: run.last, healedBy: null });
    } else if (run.end === null) {
      const rebooted = next.host.bootId !== run.host.bootId && run.host.bootId !== '';
      found.push({ code: rebooted ? 'host.rebooted' : 'scan.killed', last: run.last, healedBy: next.begun });
    }
  });
  if (runs.length === 0 && context.verdict === 'killed') {
    const file = context.report.segments[0]?.file ?? '';
    const last = { file, seq: null, at: null, text: 'no record of its start is left' };
    found.push({ code: 'scan.killed', last, healedBy: null });
  }
  return (['host.rebooted', 'scan.killed'] as const).flatMap((code) => {
    const group = found.filter((death) => death.code === code);
    return group.length === 0 ? [] : [deathFinding(context, code, group)];
  });
}

/** The host booted after the last record was written, so the scan died with it. */
function codeOfLastDeath(context: FindingContext, run: Run): Death['code'] {
  const { boot } = context.live;
  if (boot === null || boot.id === run.host.bootId || run.host.bootId === '' || run.last.at === null)
    return 'scan.killed';
  return boot.atMs >= Date.parse(run.last.at) - BOOT_SLACK_MS ? 'host.rebooted' : 'scan.killed';
}

function deathFinding(context: FindingContext, code: Death['code'], group: Death[]): Finding {
  const last = group.at(-1);
  const open = group.some((death) => death.healedBy === null);
  const severity: Severity = isWhole(context.verdict) || !open ? 'info' : 'error';
  const when = last?.last.at == null ? '' : ` after ${formatLocalTime(Date.parse(last.last.at))}`;
  const happened =
    code === 'host.rebooted'
      ? `The machine went down${when} (power cut or restart) and took the scan with it`
      : `The scan's coordinator was killed${when}: its journal stops without a last word`;
  return {
    code,
    severity,
    title: open ? happened : `${happened}; the scan was taken up again`,
    count: group.length,
    since: group[0]?.last.at ?? null,
    until: last?.last.at ?? null,
    cost: open ? unfinishedCost(context) : '',
    evidence: group.slice(-3).flatMap(({ last: end, healedBy }) => {
      const silence = { ...end, text: `the last record before the silence: ${end.text}` };
      return healedBy === null
        ? [silence]
        : [silence, { ...healedBy, text: context.show.words(healedBy.text) }];
    }),
    advice: open ? deathAdvice(context, code) : [],
    explains: [],
  };
}

function unfinishedCost(context: FindingContext): string {
  const chunks = [...context.facts.chunks.values()];
  const open = chunks.filter((chunk) => !isDone(chunk)).length;
  if (chunks.length === 0) return 'nothing was planned yet';
  return open === 0
    ? 'no chunk: all were complete'
    : `${plural(open, 'chunk')} of ${chunks.length} not scanned to the end`;
}

function deathAdvice(context: FindingContext, code: FindingCode): string[] {
  const again = `Start the same scan again; what is recorded is not read twice: \`${context.commands.scan()}\``;
  if (context.facts.completed !== null) {
    return [
      `It had finished scanning; only the catalog may be behind: \`${context.commands.own('replay')}\``,
    ];
  }
  if (code === 'host.rebooted') return [again];
  return ['See whether the system killed it for want of memory: `dmesg | grep -i "killed process"`', again];
}

function interrupted(context: FindingContext): Finding[] {
  const group = context.incidents.get('scan.interrupted');
  if (group === undefined) return [];
  const isLast = context.verdict === 'interrupted';
  const by = [...group.details].join(', ');
  return [
    {
      code: 'scan.interrupted',
      severity: isLast ? 'warning' : 'info',
      title: isLast
        ? `The scan was stopped by ${by}; all it had recorded is kept`
        : `The scan was stopped by ${by} and taken up again`,
      count: group.count,
      since: group.since,
      until: group.until,
      cost: isLast ? unfinishedCost(context) : '',
      evidence: group.evidence,
      advice: isLast
        ? [`Start the same scan again; it goes on where it was: \`${context.commands.scan()}\``]
        : [],
      explains: [],
    },
  ];
}

function empty(context: FindingContext): Finding[] {
  const { facts, totals, show, commands } = context;
  if (facts.completed === null || facts.completed.data.outcome === 'incomplete') return [];
  // Files that were there, and whose records are gone, are another matter.
  if (totals.files > 0 || facts.completed.data.files > 0) return [];
  const mount = facts.started === null ? '' : show.path(facts.started.mountPath);
  return [
    {
      code: 'scan.empty',
      severity: isWhole(context.verdict) ? 'warning' : 'error',
      title: `Not one file was found below ${mount}: an unmounted share looks just like that`,
      count: 1,
      since: facts.completed.evidence.at,
      until: facts.completed.evidence.at,
      cost: 'nothing was recorded; files of earlier scans stay in the catalog where another file system stands there now',
      evidence: [facts.completed.evidence],
      advice: [
        `See whether the share is mounted and holds files: \`ls -la ${commands.mount}\``,
        `See what is mounted there: \`findmnt -T ${commands.mount}\``,
        `Mount it, then scan again: \`${commands.scan()}\``,
      ],
      explains: [],
    },
  ];
}
