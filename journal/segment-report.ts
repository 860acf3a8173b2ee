import type { SegmentSurvey } from './pieces.js';
import { segmentFile, type SegmentName } from './segments.js';

export type SegmentState = 'sealed' | 'open' | 'torn' | 'damaged' | 'lost';

export interface BadRange {
  fromByte: number;
  toByte: number;
  /** errno's name where the system does not give some of them; null: they can be read, and are no records. */
  unreadable: string | null;
}

/** What recovery found in one file. */
export interface SegmentReport {
  scan: string;
  /** Relative to the journal's folder. */
  file: string;
  writer: string;
  epoch: number;
  segment: number;
  state: SegmentState;
  /** Those that count. */
  records: number;
  goodBytes: number;
  badBytes: number;
  lost: { fromSeq: number; toSeq: number }[];
  badRanges: BadRange[];
  /** Where the trailing bytes begin that a crash left behind and nobody misses; null: there are none. */
  tornFromByte: number | null;
  /** A newer program began it: what seems bad here may be sound to that one. */
  newerFormat: boolean;
  /** One sentence for each finding. */
  detail: string[];
}

/** The worst that was found decides. */
const SEVERITY = ['damaged', 'lost', 'torn'] as const;
export type Finding = (typeof SEVERITY)[number];

/** Collects what is found in one file (or in the place of one that is gone). */
export class SegmentFindings {
  readonly name: SegmentName;
  /** null: there is no such file. */
  readonly survey: SegmentSurvey | null;
  readonly #found = new Set<Finding>();
  readonly #lost: { fromSeq: number; toSeq: number }[] = [];
  readonly #bad: (BadRange & { finding: Finding })[] = [];
  readonly #detail: string[] = [];
  records = 0;

  constructor(name: SegmentName, survey: SegmentSurvey | null) {
    this.name = name;
    this.survey = survey;
  }

  get bytes(): number {
    return this.survey?.bytes ?? 0;
  }

  bad({ fromByte, toByte, unreadable }: BadRange, finding: Finding, why: string): void {
    this.#found.add(finding);
    const last = this.#bad.at(-1);
    const goesOn = last?.toByte === fromByte && last.finding === finding && last.unreadable === unreadable;
    if (goesOn) last.toByte = toByte;
    else this.#bad.push({ fromByte, toByte, unreadable, finding });
    this.#detail.push(`bytes ${fromByte}-${toByte}: ${why}`);
  }

  lose(fromSeq: number, toSeq: number, finding: Finding, why: string): void {
    this.#found.add(finding);
    if (fromSeq <= toSeq) this.#lost.push({ fromSeq, toSeq });
    const records = fromSeq < toSeq ? `records ${fromSeq}-${toSeq}` : `record ${fromSeq}`;
    this.#detail.push(fromSeq <= toSeq ? `${records}: ${why}` : why);
  }

  flag(finding: Finding, why: string): void {
    this.#found.add(finding);
    this.#detail.push(why);
  }

  report(): SegmentReport {
    const { scan, writer, epoch, segment } = this.name;
    const state = this.#state();
    const badBytes = this.#bad.reduce((sum, { fromByte, toByte }) => sum + toByte - fromByte, 0);
    const tail = this.#bad.at(-1);
    const cuttable = tail?.finding === 'torn' && tail.toByte === this.bytes && tail.toByte > tail.fromByte;
    return {
      scan,
      file: segmentFile(this.name),
      writer,
      epoch,
      segment,
      state,
      records: this.records,
      goodBytes: this.bytes - badBytes,
      badBytes,
      lost: this.#lost,
      badRanges: this.#bad.map(({ fromByte, toByte, unreadable }) => ({ fromByte, toByte, unreadable })),
      tornFromByte: cuttable ? tail.fromByte : null,
      newerFormat: this.survey?.pieces.some((piece) => piece.kind === 'run' && piece.newerFormat) ?? false,
      detail: this.#detail,
    };
  }

  #state(): SegmentState {
    const found = SEVERITY.find((finding) => this.#found.has(finding));
    if (found !== undefined) return found;
    if (this.bytes === 0) return 'torn';
    const last = this.survey?.pieces.at(-1);
    if (last?.kind !== 'run' || !last.sealed) return 'open';
    const matches = this.survey?.seal?.matches;
    if (matches === 'newer-version') this.#detail.push('its seal is of a newer version: not compared');
    if (matches === true || matches === 'newer-version') return 'sealed';
    this.#detail.push('its seal does not match the bytes before it');
    return 'damaged';
  }
}
