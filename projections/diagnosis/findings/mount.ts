import type { Problem } from '../../../journal/events/index.js';
import { MOUNT_GONE_CODES } from '../../../journal/mount-codes.js';
import { formatCount, plural } from '../../text.js';
import { findingOf, severityOf, type FindingContext } from '../context.js';
import { IncidentBook } from '../incidents.js';
import type { DirectoryProblems } from '../problems.js';
import type { Evidence, Finding, FindingCode } from '../types.js';

const DENIED = new Set(['EACCES', 'EPERM']);
const ABSENT = new Set(['ENOENT', 'ENOTDIR']);
const SHOWN_MAX = 5;

/** `mount.missing`, `mount.denied`, `mount.lost`, `entries.unreadable`: what kept entries from being read. */
export function mountFindings(context: FindingContext): Finding[] {
  const root = rootProblem(context);
  if (root !== null) context.incidents.add(root.code, { evidence: root.evidence, detail: root.detail });
  const gone = goneProblems(context);
  for (const evidence of gone.evidence) context.incidents.add('mount.lost', { evidence });
  const explained = gone.count + (root === null ? 0 : 1);
  return [
    ...missing(context),
    ...denied(context),
    ...lost(context, gone.count),
    ...unreadable(context, explained),
  ];
}

function rootProblem(
  context: FindingContext,
): { code: FindingCode; evidence: Evidence; detail: string } | null {
  const mountPath = context.facts.started?.mountPath;
  if (mountPath === undefined || context.ledger.isListed(mountPath)) return null;
  for (const directory of context.ledger.problems.directories()) {
    if (JSON.stringify(directory.path) !== JSON.stringify(mountPath)) continue;
    const problem = directory.problems.find(({ name }) => name === '');
    if (problem === undefined) return null;
    const code = DENIED.has(problem.code)
      ? 'mount.denied'
      : ABSENT.has(problem.code)
        ? 'mount.missing'
        : 'mount.lost';
    const text = `${problem.operation} of the mount gave ${problem.code}`;
    return { code, evidence: { ...directory.evidence, text }, detail: text };
  }
  return null;
}

/** Problems that a dead mount explains; roots of chunks that vanished together are the mark of an unmount. */
function goneProblems(context: FindingContext): { count: number; evidence: Evidence[] } {
  const { problems } = context.ledger;
  let count = 0;
  for (const code of MOUNT_GONE_CODES) count += problems.byCode.get(code) ?? 0;
  const vanished = vanishedRoots(context);
  // Where whole chunks vanished, so did the rest that is not there.
  if (vanished.length > 1) count += problems.byCode.get('ENOENT') ?? 0;
  if (count === 0) return { count, evidence: [] };
  const evidence: Evidence[] = [];
  for (const directory of problems.directories()) {
    const problem = directory.problems.find(({ code }) => MOUNT_GONE_CODES.has(code));
    if (problem !== undefined) evidence.push(evidenceOf(context, directory, problem));
    if (evidence.length >= SHOWN_MAX) break;
  }
  return { count, evidence: evidence.length > 0 ? evidence : vanished.slice(0, SHOWN_MAX) };
}

function vanishedRoots(context: FindingContext): Evidence[] {
  const { ledger, facts, show } = context;
  const absent = ledger.problems.byCode.get('ENOENT') ?? 0;
  if (absent < 2) return [];
  const found = new Map<string, DirectoryProblems>();
  for (const directory of ledger.problems.directories()) {
    if (directory.problems.some(({ name, code }) => name === '' && code === 'ENOENT')) {
      found.set(JSON.stringify(directory.path), directory);
    }
  }
  const evidence: Evidence[] = [];
  for (const chunk of facts.chunks.values()) {
    for (const root of chunk.roots) {
      const directory = found.get(JSON.stringify(root.path));
      if (directory !== undefined)
        evidence.push({ ...directory.evidence, text: `${show.path(root.path)} had vanished` });
    }
  }
  return evidence;
}

function evidenceOf(context: FindingContext, directory: DirectoryProblems, problem: Problem): Evidence {
  const name = context.show.path(problem.name);
  const where =
    name === '' ? context.show.path(directory.path) : `${context.show.path(directory.path)}/${name}`;
  return { ...directory.evidence, text: `${where}: ${problem.operation} gave ${problem.code}` };
}

function missing(context: FindingContext): Finding[] {
  const { commands, facts, show } = context;
  const mount = facts.started === null ? '' : show.path(facts.started.mountPath);
  return findingOf(context, 'mount.missing', ({ details }) => ({
    title: [...details].some((words) => words.includes('not a directory'))
      ? `The mount ${mount} is not a directory`
      : `The mount ${mount} is not there`,
    severity: 'error',
    advice: [
      `See whether the path is right and the share is mounted: \`ls -la ${commands.mount}; findmnt -T ${commands.mount}\``,
      `Mount it, then scan again: \`${commands.scan()}\``,
    ],
  }));
}

function denied(context: FindingContext): Finding[] {
  const { commands } = context;
  return findingOf(context, 'mount.denied', () => ({
    title: 'The mount itself may not be read',
    severity: 'error',
    advice: [
      `See whose it is and who may read it: \`ls -lad ${commands.mount}; id\``,
      `Run the scan as a user who may read it (PUID and PGID in a container), or allow it: \`chmod a+rx ${commands.mount}\``,
      `Then scan again: \`${commands.scan({ '--fresh': '' })}\``,
    ],
  }));
}

function lost(context: FindingContext, entries: number): Finding[] {
  const { commands, facts } = context;
  return findingOf(context, 'mount.lost', (group) => ({
    title: 'The mount went away while it was scanned',
    severity:
      entries > 0 || facts.completed?.data.outcome === 'incomplete' ? 'error' : severityOf(context, group),
    cost: entries > 0 ? `${plural(entries, 'entry', 'entries')} not read, with all below` : '',
    advice: [
      `See whether it answers: \`timeout 10 ls ${commands.mount}; findmnt -T ${commands.mount}\``,
      'See what the system says of it: `dmesg | tail -50`',
      `Mount it again, then scan again: \`${commands.scan()}\``,
    ],
  }));
}

const CODE_ADVICE: readonly [Set<string>, (context: FindingContext) => string][] = [
  [
    DENIED,
    ({ commands }) =>
      `Run the scan as a user who may read them all (root, or PUID and PGID in a container), then: \`${commands.scan({ '--fresh': '' })}\``,
  ],
  [
    new Set(['EIO', 'EUCLEAN', 'EBADMSG']),
    () =>
      'The disk reports read faults: see `dmesg | tail -50` and `smartctl -a /dev/DISK`, and check the file system',
  ],
  [
    new Set(['ETIMEDOUT']),
    ({ commands }) =>
      `Some did not answer in time; give them more: \`${commands.scan({ '--io-timeout': '300', '--fresh': '' })}\``,
  ],
  [
    new Set(['ETIMEDOUT']),
    ({ commands, facts }) =>
      facts.attempts.held.size === 0
        ? ''
        : `What hangs keeps ${plural(facts.attempts.held.size, 'container')} from ending; once it answers, or is unmounted: \`${commands.own('cleanup')}\``,
  ],
  [
    ABSENT,
    () => 'Entries that were deleted or renamed during the scan need nothing: the next scan has them right',
  ],
];

function unreadable(context: FindingContext, explained: number): Finding[] {
  const { problems } = context.ledger;
  const count = problems.total - explained;
  if (count <= 0) return [];
  const codes = [...problems.byCode].filter(([, number]) => number > 0).sort((a, b) => b[1] - a[1]);
  const book = new IncidentBook();
  for (const directory of problems.directories()) {
    for (const problem of directory.problems)
      book.add('entries.unreadable', { evidence: evidenceOf(context, directory, problem) });
  }
  const group = book.get('entries.unreadable');
  const by = codes.slice(0, 4).map(([code, number]) => `${formatCount(number)} ${code}`);
  return [
    {
      code: 'entries.unreadable',
      severity: 'warning',
      title: `${plural(count, 'entry', 'entries')} could not be read (${by.join(', ')})`,
      count,
      since: group?.since ?? null,
      until: group?.until ?? null,
      cost: 'they, and what lies below them, are not in the catalog; all else is',
      evidence: group?.evidence ?? [],
      advice: CODE_ADVICE.filter(([set]) => codes.some(([code]) => set.has(code)))
        .map(([, text]) => text(context))
        .filter((text) => text !== ''),
      explains: [],
    },
  ];
}
