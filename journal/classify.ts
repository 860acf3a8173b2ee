import type { Link } from './chain.js';
import { notGiven, placeGap, rangeOf, type Defect, type Gap } from './gap.js';
import type { Piece } from './pieces.js';
import { SegmentFindings } from './segment-report.js';
import type { EpochSurvey, Witnessed } from './witness.js';

/** Files that are reported missing behind the last one: a bound for nonsense, far beyond any scan. */
const MISSING_FILES_MAX = 10_000;

/** Classifies the files of one epoch, and the places of those that are gone. Pure. */
export function classifyEpoch(scan: string, epoch: EpochSurvey, seen: Witnessed): SegmentFindings[] {
  const files = filesOf(scan, epoch, seen);
  const walk = new EpochWalk(epoch, seen, files);
  for (const file of files) {
    for (const piece of file.survey?.pieces ?? []) walk.visit(file, piece);
  }
  walk.end();
  return files;
}

/** One entry per segment up to the last that exists or that someone names. */
function filesOf(
  scan: string,
  { writer, epoch, files, links }: EpochSurvey,
  seen: Witnessed,
): SegmentFindings[] {
  const present = files.at(-1)?.name.segment ?? 0;
  // Behind a seal an epoch goes on in another file only.
  const end = links.at(-1);
  const sealed = end !== undefined && end.run.sealed && end.at === files.length - 1;
  const wentOn = end === undefined ? files.length === 0 : sealed && end.toSeq < seen.proven;
  const next = seen.proven > 0 && wentOn ? present + 1 : 0;
  let last = Math.max(present, next);
  for (const { seq, segment } of seen.places)
    if (seq <= seen.bound) last = Math.max(last, Math.min(segment, present + MISSING_FILES_MAX));
  const found: SegmentFindings[] = [];
  const bySegment = new Map(files.map((file) => [file.name.segment, file]));
  for (let segment = 1; segment <= last; segment += 1) {
    const file = bySegment.get(segment);
    found.push(new SegmentFindings(file?.name ?? { scan, writer, epoch, segment }, file?.survey ?? null));
  }
  return found;
}

class EpochWalk {
  readonly #seen: Witnessed;
  readonly #files: readonly SegmentFindings[];
  readonly #links: ReadonlyMap<Piece, Link>;
  #expected = 1;
  #defects: Defect[] = [];
  /** The file of the last counted record. */
  #before: SegmentFindings | null = null;
  #sealed = false;

  constructor({ links }: EpochSurvey, seen: Witnessed, files: readonly SegmentFindings[]) {
    this.#seen = seen;
    this.#files = files;
    this.#links = new Map(links.map((link) => [link.run, link]));
  }

  visit(file: SegmentFindings, piece: Piece): void {
    const link = this.#links.get(piece);
    if (link === undefined) {
      const { fromByte, toByte } = piece;
      const bad = piece.kind === 'bad' ? piece : null;
      // A record outside the chain, two lines without a line feed between, or a disk that gives nothing:
      // no crash brings that about.
      const unexplained = bad === null || bad.foreign || bad.unreadable !== null || fromByte === toByte;
      this.#defects.push({ file, fromByte, toByte, bad, unexplained });
      return;
    }
    this.#count(file, link);
    if (link.toSeq === link.run.toSeq) return;
    const { fromByte, toByte } = { fromByte: link.toByte, toByte: link.run.toByte };
    this.#defects.push({ file, fromByte, toByte, bad: null, unexplained: true });
  }

  /** What lies behind the last counted record. */
  end(): void {
    this.#gap(Math.min(this.#seen.proven, this.#seen.bound), null, false);
  }

  #count(file: SegmentFindings, { run, toSeq }: Link): void {
    const { bound } = this.#seen;
    this.#gap(Math.min(run.fromSeq - 1, bound), file, run.opened);
    const counted = Math.min(toSeq, bound);
    if (counted >= run.fromSeq) file.records += counted - run.fromSeq + 1;
    this.#expected = Math.max(this.#expected, counted + 1);
    this.#before = file;
    this.#sealed = run.sealed && toSeq === run.toSeq;
  }

  #gap(toSeq: number, behind: SegmentFindings | null, opened: boolean): void {
    const defects = this.#defects;
    this.#defects = [];
    if (this.#expected > this.#seen.bound) {
      for (const defect of defects) {
        const range = rangeOf(defect);
        if (range.unreadable === null) defect.file.bad(range, 'torn', 'behind the last record that counts');
        else defect.file.bad(range, 'damaged', notGiven(range.unreadable));
      }
      return;
    }
    const gap: Gap = {
      fromSeq: this.#expected,
      toSeq,
      defects,
      before: this.#before,
      beforeSealed: this.#sealed,
      behind,
      behindOpened: opened,
      unreadable: new Set(
        defects.filter(({ bad }) => (bad?.unreadable ?? null) !== null).map(({ file }) => file),
      ),
    };
    const first = behind !== null && behind !== this.#before;
    if (first && !opened && defects.length === 0 && gap.fromSeq > toSeq)
      behind.flag('damaged', 'it does not begin with segment.opened');
    placeGap(gap, this.#files, this.#seen);
  }
}
