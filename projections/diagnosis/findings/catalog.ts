import type { FindingContext } from '../context.js';
import type { CatalogView } from '../live.js';
import type { IncidentGroup } from '../incidents.js';
import type { Evidence, Finding, FindingCode, Severity } from '../types.js';

const SEEN_AS: Partial<Record<CatalogView['state'], FindingCode>> = {
  behind: 'catalog.behind',
  missing: 'catalog.behind',
  mismatch: 'catalog.mismatch',
  locked: 'catalog.locked',
  unreadable: 'catalog.unwritable',
};

const TITLES: Partial<Record<FindingCode, string>> = {
  'catalog.locked': 'Another program held the catalog, so it could not follow the scan',
  'catalog.unwritable': 'The catalog could not be written',
  'catalog.behind': 'The catalog does not hold all that the journal holds',
  'catalog.mismatch': 'The catalog holds something else than the journal says',
};

/** The catalog is a copy: what is wrong with it costs the scan nothing, and `replay` mends it. */
export function catalogFindings(context: FindingContext): Finding[] {
  const { facts, incidents, live, verdict } = context;
  const { catalog } = live;
  const now = catalog === null || verdict === 'running' ? undefined : SEEN_AS[catalog.state];
  const healedNow = catalog?.state === 'agrees';
  const codes: FindingCode[] = ['catalog.locked', 'catalog.unwritable', 'catalog.mismatch', 'catalog.behind'];
  return codes.flatMap((code) => {
    const group = incidents.get(code);
    if (code === now) return [finding(context, code, group, 'warning', catalog?.detail ?? '')];
    if (group === undefined) return [];
    const open = facts.catalogTrouble !== null && !healedNow;
    return [finding(context, code, group, open ? 'warning' : 'info', [...group.details][0] ?? '')];
  });
}

function finding(
  context: FindingContext,
  code: FindingCode,
  group: IncidentGroup | undefined,
  severity: Severity,
  detail: string,
): Finding {
  const words = context.show.words(detail);
  const title = TITLES[code] ?? code;
  return {
    code,
    severity,
    title: words === '' ? title : `${title}: ${words}`,
    count: group?.count ?? 1,
    since: group?.since ?? null,
    until: group?.until ?? null,
    cost: severity === 'info' ? '' : 'nothing of the scan: the journal has it all',
    evidence: (group?.evidence ?? lastWord(context)).map((each) => ({
      ...each,
      text: context.show.words(each.text),
    })),
    advice: severity === 'info' ? [] : advice(context, code),
    explains: [],
  };
}

/** Where only the catalog itself shows the trouble, the record it should hold is the proof. */
function lastWord(context: FindingContext): Evidence[] {
  const last = context.facts.runs.at(-1)?.last;
  return last === undefined ? [] : [{ ...last, text: `the journal goes up to here: ${last.text}` }];
}

function advice(context: FindingContext, code: FindingCode): string[] {
  const { commands } = context;
  const replay = `Bring it up to the journal: \`${commands.own('replay')}\``;
  if (code === 'catalog.locked')
    return [`See who has it open: \`fuser -v ${commands.dataDir}/*.db\``, 'Close that program', replay];
  if (code === 'catalog.unwritable') {
    return [
      `See its owner, rights and room: \`ls -la ${commands.dataDir}; lsattr ${commands.dataDir}; df -h ${commands.dataDir}\``,
      'Make it writable for the user the scan runs as',
      replay,
    ];
  }
  return [replay];
}
