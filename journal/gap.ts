import type { BadBytes } from './pieces.js';
import type { BadRange, Finding, SegmentFindings } from './segment-report.js';
import type { Witnessed } from './witness.js';

/** Bytes that do not count. */
export interface Defect {
  file: SegmentFindings;
  fromByte: number;
  toByte: number;
  /** null: whole records that repeat, stray or are denied by their successor. */
  bad: BadBytes | null;
  /** No crash brings this about. */
  unexplained: boolean;
}

export function rangeOf({ fromByte, toByte, bad }: Defect): BadRange {
  return { fromByte, toByte, unreadable: bad?.unreadable ?? null };
}

/** Between two counted records (or before the first, or behind the last). */
export interface Gap {
  /** Missing records; none where `fromSeq > toSeq`. */
  fromSeq: number;
  toSeq: number;
  defects: readonly Defect[];
  /** The file of the counted record before, and whether that is its seal. */
  before: SegmentFindings | null;
  beforeSealed: boolean;
  /** The file of the counted record behind, and whether that opens it. */
  behind: SegmentFindings | null;
  behindOpened: boolean;
  /** Files with bytes among the defects that the system does not give. */
  unreadable: ReadonlySet<SegmentFindings>;
}

/** Says of each file around a gap what is wrong with it, and which records it lost. */
export function placeGap(gap: Gap, files: readonly SegmentFindings[], seen: Witnessed): void {
  if (gap.fromSeq > gap.toSeq) {
    for (const defect of gap.defects) nothingMissing(defect, gap);
    return;
  }
  const acknowledged = gap.fromSeq <= seen.proven;
  const holders = holdersOf(gap, files);
  for (const defect of gap.defects) {
    const finding = defect.unexplained ? 'damaged' : findingIn(defect.file, gap, acknowledged, seen);
    defect.file.bad(rangeOf(defect), finding, describe(defect, finding));
  }
  for (const { file, fromSeq, toSeq } of shares(gap, holders, seen)) {
    const finding = findingIn(file, gap, acknowledged, seen);
    file.lose(fromSeq, toSeq, finding, LOSS[finding]);
  }
}

const LOSS: Record<Finding, string> = {
  damaged: 'unreadable',
  lost: 'gone, though acknowledged',
  torn: 'was not on disk yet when the writer stopped',
};

/** Bad bytes, though every seq is there. */
function nothingMissing(defect: Defect, gap: Gap): void {
  const { file, bad } = defect;
  const atEnd = gap.behind === null && !(gap.beforeSealed && gap.before === file);
  const finding = atEnd && !defect.unexplained ? 'torn' : 'damaged';
  file.bad(rangeOf(defect), finding, describe(defect, finding));
  if (finding !== 'torn' || bad === null || bad.lines === 0) return;
  // A whole line stood here, unreadable and never acknowledged: it was a record.
  const shown = bad.seqShown < gap.fromSeq + bad.lines ? bad.seqShown : 0;
  const toSeq = Math.max(shown, bad.endsWithLine ? gap.fromSeq : 0);
  if (toSeq >= gap.fromSeq) file.lose(gap.fromSeq, toSeq, 'torn', LOSS.torn);
}

/** Files that the missing records were in, in order. */
function holdersOf(gap: Gap, files: readonly SegmentFindings[]): SegmentFindings[] {
  const { before, behind } = gap;
  if (before !== null && before === behind) return [before];
  const from = before === null ? 0 : files.indexOf(before) + (gap.beforeSealed ? 1 : 0);
  const to = behind === null ? files.length : files.indexOf(behind) + (gap.behindOpened ? 0 : 1);
  const between = files.slice(from, to);
  // Sealed before, opened behind, nothing between: only the one behind can have lost its beginning.
  const last = behind ?? before;
  return between.length > 0 || last === null ? between : [last];
}

interface Share {
  file: SegmentFindings;
  fromSeq: number;
  toSeq: number;
}

/** Divides the missing records among the files: where nobody says better, the first had all but one of each other. */
function shares(gap: Gap, holders: readonly SegmentFindings[], seen: Witnessed): Share[] {
  const divided: Share[] = [];
  let from = gap.fromSeq;
  holders.forEach((file, i) => {
    const after = holders.length - 1 - i;
    let known = 0;
    for (const { segment, seq } of seen.places)
      if (segment === file.name.segment && seq <= gap.toSeq) known = Math.max(known, seq);
    const toSeq = after === 0 ? gap.toSeq : Math.max(known, known >= from ? known : gap.toSeq - after);
    if (toSeq >= from) divided.push({ file, fromSeq: from, toSeq });
    // A file that is gone is told even where nobody knows what it held.
    else if (file.survey === null) file.flag('lost', 'the file is gone');
    from = Math.max(from, toSeq + 1);
  });
  return divided;
}

/** What a hole means for one of the files around it. */
function findingIn(file: SegmentFindings, gap: Gap, acknowledged: boolean, seen: Witnessed): Finding {
  if (file.survey === null) return 'lost';
  // Whatever is missing here may be in the bytes that the system does not give.
  if (gap.unreadable.has(file)) return 'damaged';
  if (!acknowledged) return gap.defects.some((defect) => defect.file === file) ? 'torn' : 'damaged';
  if (file.bytes === 0) return 'lost';
  // Between records of the same file, or before the first: the bytes are there, or were taken out of the middle.
  if (file === gap.behind) return 'damaged';
  let known = 0;
  for (const { segment, bytes } of seen.places)
    if (segment === file.name.segment) known = Math.max(known, bytes ?? 0);
  if (known > 0) return file.bytes < known ? 'lost' : 'damaged';
  const tail = gap.defects.findLast((defect) => defect.file === file);
  if (tail?.toByte !== file.bytes) return 'lost';
  return tail.bad === null || tail.bad.endsWithLine || tail.bad.nul ? 'damaged' : 'lost';
}

function describe({ bad }: Defect, finding: Finding): string {
  if (bad === null) return 'records that repeat others or contradict them';
  if (bad.unreadable !== null) return notGiven(bad.unreadable);
  if (bad.foreign) return 'records of another segment';
  if (bad.fromByte === bad.toByte) return 'the line feed is missing';
  if (bad.nul) return 'zeros';
  if (finding === 'torn') return 'a record that was not finished';
  return finding === 'lost' ? 'a record that was cut short' : 'unreadable';
}

/** Of bytes that the system does not give. */
export function notGiven(code: string): string {
  const words = WORDS_OF_SYSTEM[code];
  return `the system cannot read them: ${code}${words === undefined ? '' : ` (${words})`}`;
}

const WORDS_OF_SYSTEM: Readonly<Record<string, string>> = {
  EIO: 'input/output error, as of a failing disk',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ESTALE: 'stale file handle',
  ENOTCONN: 'the mount below it is gone',
  EISDIR: 'a folder stands in the place of the file',
};
