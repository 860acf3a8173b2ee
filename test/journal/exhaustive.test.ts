import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SegmentReport } from '../../journal/recover.js';
import { segmentFile } from '../../journal/segments.js';
import {
  countedLines,
  linesOf,
  loadScan,
  recoverSegments,
  seqOf,
  surveyOf,
  type MemorySegment,
} from '../support/journal-bytes.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const golden = loadScan(join(import.meta.dirname, '../fixtures/golden-journal/journal'), SCAN);
const surveys = new Map(golden.map((segment) => [segmentFile(segment.name), surveyOf(segment)]));
const whole = recoverSegments(SCAN, golden);
/** Records that some witness outside their own bytes proves: all but the coordinator's last ones. */
const provenTo: Record<string, number> = { 'coordinator/0001-0002.ndjson': 18 };

interface Outcome {
  report: SegmentReport;
  others: SegmentReport[];
  records: number;
  /** Counted seqs of the changed file that were counted before and are not any more. */
  gone: number[];
  invented: string[];
}

/** Recovers the golden journal with one file's bytes replaced. */
function recoverWith(changed: MemorySegment, original: MemorySegment, before: readonly string[]): Outcome {
  const file = segmentFile(changed.name);
  const replaced = golden.map((segment) => (segment === original ? changed : segment));
  const known = new Map(surveys);
  known.set(file, surveyOf(changed));
  const recovered = recoverSegments(SCAN, replaced, known);
  const now = new Set(countedLines(recovered, changed));
  const report = recovered.report.segments.find((segment) => segment.file === file);
  if (report === undefined) throw new Error(`no row for ${file}`);
  return {
    report,
    others: recovered.report.segments.filter((segment) => segment !== report),
    records: recovered.report.records,
    gone: before.filter((line) => !now.has(line)).map(seqOf),
    invented: [...now].filter((line) => !before.includes(line)),
  };
}

const named = (report: SegmentReport, seq: number): boolean =>
  report.lost.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq);

function unchanged(others: readonly SegmentReport[], file: string): boolean {
  return others.every((other) => {
    const was = whole.report.segments.find((segment) => segment.file === other.file);
    return (
      was !== undefined && was.file !== file && was.state === other.state && was.records === other.records
    );
  });
}

describe.each(golden.map((segment) => [segmentFile(segment.name).slice(SCAN.length + 1), segment] as const))(
  '%s',
  (file, segment) => {
    const before = countedLines(whole, segment);
    const stateBefore = whole.report.segments.find((report) => report.file.endsWith(file))?.state;

    test('every single flipped bit costs at most one record, and is named', () => {
      for (let at = 0; at < segment.bytes.length; at += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          const bytes = Buffer.from(segment.bytes);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          const { report, others, records, gone, invented } = recoverWith(
            { ...segment, bytes },
            segment,
            before,
          );
          const place = `${file} byte ${at} bit ${bit}: ${report.state} ${JSON.stringify(report.lost)}`;
          if (invented.length > 0) expect.fail(`${place} invents ${invented.join()}`);
          if (gone.length > 1 || records !== 36 - gone.length) expect.fail(`${place} loses ${gone.join()}`);
          if (!gone.every((seq) => named(report, seq))) expect.fail(`${place} does not name ${gone.join()}`);
          if (report.badBytes === 0) expect.fail(`${place} goes unnoticed`);
          if (!unchanged(others, report.file)) expect.fail(`${place} changes another file`);
          if (report.state !== expectedOfFlip(file, segment, at)) expect.fail(place);
        }
      }
    });

    test('every truncation is a cut and never damage', () => {
      for (let length = 0; length < segment.bytes.length; length += 1) {
        const bytes = segment.bytes.subarray(0, length);
        const { report, others, gone, invented } = recoverWith({ ...segment, bytes }, segment, before);
        const place = `${file} cut to ${length}: ${report.state} ${JSON.stringify(report.lost)}`;
        const acknowledged = gone.filter((seq) => seq <= (provenTo[file] ?? Infinity));
        if (invented.length > 0) expect.fail(`${place} invents ${invented.join()}`);
        if (!acknowledged.every((seq) => named(report, seq)))
          expect.fail(`${place} does not name ${gone.join()}`);
        if (!unchanged(others, report.file)) expect.fail(`${place} changes another file`);
        const whenKept = report.badBytes > 0 || length === 0 ? ['torn'] : ['open', stateBefore];
        if (!(acknowledged.length > 0 ? ['lost'] : whenKept).includes(report.state)) expect.fail(place);
      }
    });
  },
);

/** Damage where a witness knows better, else what a crash may leave. */
function expectedOfFlip(file: string, { bytes }: MemorySegment, at: number): string {
  const lines = linesOf(bytes);
  const lineOf = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length;
  // The cut line behind `writer.settled` counts for nobody.
  const end = file === 'worker-0002/0001-0001.ndjson' ? 871 : Infinity;
  if (at >= end - 1) return 'torn';
  // Of its last record nobody else speaks; behind the seal itself nothing may stand.
  const lastByte = at === bytes.length - 1;
  if (file === 'coordinator/0001-0002.ndjson' && lineOf === lines.length - 1 && !lastByte) return 'torn';
  return 'damaged';
}

test('every segment that is taken away is missed', () => {
  for (const segment of golden) {
    const file = segmentFile(segment.name);
    const rest = golden.filter((other) => other !== segment);
    const { report } = recoverSegments(SCAN, rest, surveys);
    const row = report.segments.find((candidate) => candidate.file === file);
    const seqs = countedLines(whole, segment).map(seqOf);
    const acknowledged = seqs.filter((seq) => seq <= (provenTo[file.slice(SCAN.length + 1)] ?? Infinity));
    expect(row, file).toMatchObject({ state: 'lost', records: 0, goodBytes: 0 });
    for (const seq of acknowledged)
      expect(row === undefined ? false : named(row, seq), `${file} ${seq}`).toBe(true);
    expect(report.sound).toBe(false);
  }
});

test('a scan without its coordinator is lost, and says how much at least', () => {
  const { report } = recoverSegments(
    SCAN,
    golden.filter(({ name }) => name.writer !== 'coordinator'),
    surveys,
  );
  expect(report.sound).toBe(false);
  expect(report.segments[0]).toMatchObject({
    file: `${SCAN}/coordinator/0001-0001.ndjson`,
    state: 'lost',
    lost: [{ fromSeq: 1, toSeq: 18 }],
  });
});
