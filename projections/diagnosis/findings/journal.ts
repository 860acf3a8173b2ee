import { plural } from '../../text.js';
import { findingOf, type FindingContext } from '../context.js';
import type { JournalSegment } from '../report.js';
import type { Evidence, Finding } from '../types.js';

const SEGMENTS_SHOWN_MAX = 5;

/** `journal.newer-version`, `journal.lost`, `journal.damaged`, `journal.torn`, `journal.write-failed`: what became of the records themselves. */
export function journalFindings(context: FindingContext): Finding[] {
  const { segments } = context.report;
  const of = (state: JournalSegment['state']): JournalSegment[] =>
    segments.filter((segment) => segment.state === state);
  return [
    ...newerVersion(context),
    ...lost(context, of('lost')),
    ...damaged(context, of('damaged')),
    ...torn(context, of('torn')),
    ...writeFailed(context),
  ];
}

function lostRecords(segments: JournalSegment[]): number {
  let records = 0;
  for (const segment of segments)
    for (const { fromSeq, toSeq } of segment.lost) records += toSeq - fromSeq + 1;
  return records;
}

/** What is known of segments in place of records: where the bad places are. */
function evidenceOf(context: FindingContext, segments: JournalSegment[]): Evidence[] {
  return segments.slice(0, SEGMENTS_SHOWN_MAX).map((segment) => {
    const ranges = segment.lost
      .slice(0, 3)
      .map(({ fromSeq, toSeq }) => (fromSeq === toSeq ? `${fromSeq}` : `${fromSeq}-${toSeq}`));
    const [records, are] = lostRecords([segment]) === 1 ? ['record', 'is'] : ['records', 'are'];
    const gone = ranges.length === 0 ? '' : `${records} ${ranges.join(', ')} ${are} gone`;
    const bad =
      segment.badBytes === 0
        ? ''
        : `${plural(segment.badBytes, 'byte')} ${segment.badBytes === 1 ? 'is' : 'are'} no record`;
    const words = [gone, bad, ...segment.detail.slice(0, 2).map(context.show.words)].filter(
      (word) => word !== '',
    );
    return {
      file: segment.file,
      seq: segment.lost[0]?.fromSeq ?? null,
      at: null,
      text: words.join('; ') || segment.state,
    };
  });
}

function finding(
  context: FindingContext,
  segments: JournalSegment[],
  text: Pick<Finding, 'code' | 'severity' | 'title' | 'cost' | 'advice'>,
): Finding {
  return {
    ...text,
    count: segments.length,
    since: null,
    until: null,
    evidence: evidenceOf(context, segments),
    explains: [],
  };
}

function lost(context: FindingContext, segments: JournalSegment[]): Finding[] {
  if (segments.length === 0) return [];
  const records = lostRecords(segments);
  const title =
    records === 0
      ? `Acknowledged records are gone from the journal (${plural(segments.length, 'segment')})`
      : `${plural(records, 'acknowledged record')} ${records === 1 ? 'is' : 'are'} gone from the journal (${plural(segments.length, 'segment')})`;
  return [
    finding(context, segments, {
      code: 'journal.lost',
      severity: 'error',
      title: `${title}: files were deleted, cut or replaced by an older copy`,
      cost: 'the directories in them have to be scanned again',
      advice: [
        `See what exactly is missing: \`${context.commands.own('verify')}\``,
        'Put the missing files back from a backup of the data directory, if there is one',
        `Else scan anew: \`${context.commands.scan({ '--fresh': '' })}\``,
      ],
    }),
  ];
}

function damaged(context: FindingContext, segments: JournalSegment[]): Finding[] {
  const { strange } = context.proof;
  const group = context.incidents.get('journal.damaged');
  if (segments.length === 0 && strange === 0) return [];
  const records = lostRecords(segments);
  const made = finding(context, segments, {
    code: 'journal.damaged',
    severity: 'error',
    title:
      `The journal is damaged in ${plural(Math.max(segments.length, 1), 'segment')}` +
      (records > 0
        ? `: ${plural(records, 'record')} lost, the rest is read`
        : ': every sound record around the bad places is read'),
    cost: records > 0 ? 'what these records held' : '',
    advice: [
      `See each bad place: \`${context.commands.own('verify')}\``,
      'Check the disk below the data directory for errors, and its cables and memory: `dmesg | grep -iE "i/o error|ata|nvme"`',
      `Scan anew to record again what was lost: \`${context.commands.scan({ '--fresh': '' })}\``,
    ],
  });
  const evidence = [...made.evidence, ...(group?.evidence ?? [])].slice(0, SEGMENTS_SHOWN_MAX);
  return [{ ...made, count: segments.length + strange, evidence }];
}

function torn(context: FindingContext, segments: JournalSegment[]): Finding[] {
  if (segments.length === 0) return [];
  return [
    finding(context, segments, {
      code: 'journal.torn',
      severity: 'info',
      title: `${plural(segments.length, 'segment')} of the journal ${segments.length === 1 ? 'ends' : 'end'} in an unfinished record, as a killed writer leaves it; nothing that was acknowledged is missing`,
      cost: '',
      advice: [],
    }),
  ];
}

function newerVersion(context: FindingContext): Finding[] {
  return findingOf(context, 'journal.newer-version', (group) => {
    const versions = [...group.details].join(', ');
    return {
      severity: 'error',
      title: `A newer program wrote ${plural(group.count, 'record')} that this one does not know: ${versions}`,
      cost: 'what they say is missing from this report',
      advice: ['Read this journal with the program that wrote it, or a newer one; nothing in it is lost'],
    };
  });
}

function writeFailed(context: FindingContext): Finding[] {
  return findingOf(context, 'journal.write-failed', (group) => ({
    // An epoch that failed before its first record was acknowledged leaves nothing that counts.
    title: `Writing the journal failed${group.count === 1 ? '' : `, ${group.count} times at least`}; what was not acknowledged was written again`,
    advice: [
      'Check the disk below the data directory: `dmesg | tail -50`',
      `See its room: \`df -h ${context.commands.dataDir}\``,
      `Then start the same scan again: \`${context.commands.scan()}\``,
    ],
  }));
}
