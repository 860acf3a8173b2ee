import { isDeepStrictEqual } from 'node:util';
import { EarlyRecovery } from '../../journal/early-recovery.js';
import type { SegmentSurvey } from '../../journal/pieces.js';
import type { Recovered, SurveyedSegment } from '../../journal/recover.js';
import { COORDINATOR, segmentFile } from '../../journal/segments.js';
import { BUILT_SCAN, buildScan, Dice } from './build-journal.js';
import { randomFault, type Fault } from './faults.js';
import { linesOf, recoverSegments, seqOf, surveyOf, type MemorySegment } from './journal-bytes.js';

/** States of which it is also asked what counts before everything is surveyed: it doubles the work. */
const EARLY_EVERY = 10;

interface Base {
  segments: MemorySegment[];
  surveys: Map<string, SegmentSurvey>;
  recovered: Recovered;
  lines: Set<string>;
}

const durableOf = (line: string): number => Number(/,"durable":(\d+),/.exec(line)?.[1]);

function baseOf(dice: Dice): Base {
  const segments = buildScan(dice);
  const surveys = new Map(segments.map((segment) => [segmentFile(segment.name), surveyOf(segment)]));
  const lines = new Set(segments.flatMap(({ bytes }) => linesOf(bytes)));
  return { segments, surveys, recovered: recoverSegments(BUILT_SCAN, segments, surveys), lines };
}

/** One file with what was done to it. */
interface Hit {
  target: MemorySegment;
  fault: Fault;
}

/**
 * Builds one random journal and damages it in `states` random ways, `filesAtOnce` files at a time.
 * @throws Error that says what recovery got wrong, with the seed that shows it again
 */
export function corrupt(seed: number, states: number, filesAtOnce: 1 | 2): void {
  const dice = new Dice(seed);
  const base = baseOf(dice);
  if (!base.recovered.report.sound) throw new Error(`seed ${seed}: a journal without fault is unsound`);
  for (let i = 0; i < states; i += 1) {
    const hits = hitsOn(base, dice, filesAtOnce);
    const wrong = judge(base, hits, i % EARLY_EVERY === 0);
    if (wrong === null) continue;
    const done = hits.map(({ target, fault }) => `${segmentFile(target.name)}: ${fault.kind}`);
    throw new Error(`seed ${seed}, state ${i}, ${done.join('; ')}: ${wrong}`);
  }
}

function hitsOn({ segments }: Base, dice: Dice, filesAtOnce: 1 | 2): Hit[] {
  const first = dice.below(segments.length);
  const second = (first + 1 + dice.below(segments.length - 1)) % segments.length;
  const hits: Hit[] = [];
  for (const at of filesAtOnce === 1 ? [first] : [first, second]) {
    const target = segments[at];
    const other = segments[dice.below(segments.length)];
    if (target !== undefined && other !== undefined)
      hits.push({ target, fault: randomFault(dice, target, other) });
  }
  return hits;
}

/** What recovery got wrong; null: nothing. */
function judge(base: Base, hits: readonly Hit[], compareEarly: boolean): string | null {
  const surveys = new Map(base.surveys);
  const segments = base.segments.filter(
    (segment) => !hits.some(({ target, fault }) => target === segment && fault.bytes === null),
  );
  for (const { target, fault } of hits)
    if (fault.bytes !== null)
      surveys.set(segmentFile(target.name), surveyOf({ ...target, bytes: fault.bytes }));
  const recovered = recoverSegments(BUILT_SCAN, segments, surveys);
  let wrong =
    (compareEarly ? earlyFault(segments, surveys, recovered) : null) ?? lossFault(base, hits, recovered);
  for (const { target, fault } of hits) {
    const { bytes } = fault;
    if (bytes !== null) wrong ??= contentFault(base, { ...target, bytes }, recovered);
    wrong ??= namingFault(base, target, recovered);
    if (hits.length === 1) wrong ??= stateFault(target, fault, recovered);
  }
  return wrong;
}

/** Writer by writer, before the others are known, the same counts. */
function earlyFault(
  segments: readonly MemorySegment[],
  surveys: ReadonlyMap<string, SegmentSurvey>,
  { counted, repeated }: Recovered,
): string | null {
  const surveyed = segments.map((segment) => ({
    name: segment.name,
    survey: surveys.get(segmentFile(segment.name)) ?? surveyOf(segment),
  }));
  const of = (writer: string): SurveyedSegment[] => surveyed.filter(({ name }) => name.writer === writer);
  const early = new EarlyRecovery(of(COORDINATOR));
  for (const writer of new Set(surveyed.map(({ name }) => name.writer))) {
    const told = early.of(of(writer));
    if (
      !isDeepStrictEqual(
        told.counted,
        counted.filter(({ name }) => name.writer === writer),
      )
    )
      return `counts something else of ${writer} when it is asked early`;
    for (const [epoch, ids] of repeated)
      if (epoch.startsWith(`${writer}/`) && !isDeepStrictEqual(told.repeated.get(epoch), ids))
        return `sees other repetitions in ${epoch} when it is asked early`;
  }
  return null;
}

/** Nothing is invented or counted twice, and every byte is accounted for. */
function contentFault(base: Base, changed: MemorySegment, { counted, report }: Recovered): string | null {
  const file = segmentFile(changed.name);
  let expected = 1;
  for (const { fromByte, toByte, fromSeq, toSeq } of counted.find((entry) => entry.file === file)?.extents ??
    []) {
    if (fromSeq < expected) return `record ${fromSeq} counts twice`;
    expected = toSeq + 1;
    const lines = linesOf(changed.bytes.subarray(fromByte, toByte)).slice(0, toSeq - fromSeq + 1);
    const strange = lines.find((line, i) => !base.lines.has(line) || seqOf(line) !== fromSeq + i);
    if (strange !== undefined || lines.length !== toSeq - fromSeq + 1) return `invents ${String(strange)}`;
  }
  const row = report.segments.find((segment) => segment.file === file);
  if (row === undefined) return 'no row';
  return row.goodBytes + row.badBytes === changed.bytes.length ? null : 'bytes that are neither good nor bad';
}

/** No more is lost than the faults touched. */
function lossFault(base: Base, hits: readonly Hit[], recovered: Recovered): string | null {
  let touched = 0;
  for (const { target, fault } of hits)
    touched += linesOf(target.bytes).filter((_line, i) => fault.touched(i)).length;
  const lost = countIn(base.recovered) - countIn(recovered);
  return lost > touched ? `loses ${lost} records, though only ${touched} were touched` : null;
}

function countIn({ counted }: Recovered): number {
  let count = 0;
  for (const { extents } of counted) for (const { fromSeq, toSeq } of extents) count += toSeq - fromSeq + 1;
  return count;
}

/** What a witness misses is named. */
function namingFault(base: Base, target: MemorySegment, recovered: Recovered): string | null {
  const before = seqsIn(base.recovered, target);
  const now = seqsIn(recovered, target);
  if (now.size >= before.size) return null;
  const named = recovered.report.segments
    .filter(({ writer, epoch }) => writer === target.name.writer && epoch === target.name.epoch)
    .flatMap(({ lost }) => lost);
  const durable = durableIn(base, target, now);
  for (const seq of before) {
    if (now.has(seq) || seq > durable) continue;
    if (!named.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq)) return `does not name ${seq}`;
    if (recovered.report.sound) return `calls it sound, though ${seq} is gone`;
  }
  return null;
}

/** Counted seqs of the target's epoch that stand in the target's file. */
function seqsIn({ counted }: Recovered, target: MemorySegment): Set<number> {
  const found = new Set<number>();
  for (const { name, extents } of counted) {
    if (name.writer !== target.name.writer || name.epoch !== target.name.epoch) continue;
    for (const { fromSeq, toSeq } of extents) for (let seq = fromSeq; seq <= toSeq; seq += 1) found.add(seq);
  }
  return found;
}

/** The highest `durable` that a counted record of the target's epoch names. */
function durableIn(base: Base, target: MemorySegment, now: ReadonlySet<number>): number {
  let durable = 0;
  for (const { name, bytes } of base.segments) {
    if (name.writer !== target.name.writer || name.epoch !== target.name.epoch) continue;
    for (const line of linesOf(bytes)) if (now.has(seqOf(line))) durable = Math.max(durable, durableOf(line));
  }
  return durable;
}

/** A cut is never called damage, and damage never a whole file. */
function stateFault(target: MemorySegment, { kind, bytes }: Fault, { report }: Recovered): string | null {
  const row = report.segments.find((segment) => segment.file === segmentFile(target.name));
  const others = report.segments.filter((segment) => segment !== row);
  const wrong = others.find(({ state }) => state === 'damaged' || (state === 'lost' && bytes !== null));
  if (wrong !== undefined) return `blames ${wrong.file}: ${wrong.state}`;
  if (bytes === null) return null;
  const [name] = kind.split(' ');
  const state = row?.state ?? 'no row';
  if (name === 'truncate' && state === 'damaged') return 'calls a cut damage';
  if (name === 'flip' && state === 'lost') return 'calls a flipped bit a cut';
  const unharmed = target.bytes.equals(bytes);
  if (name === 'append' && (state === 'sealed' || state === 'open'))
    return `does not see the garbage: ${state}`;
  if (name === 'flip' && !unharmed && row?.badBytes === 0) return `does not see the flipped bit: ${state}`;
  return null;
}
