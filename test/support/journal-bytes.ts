import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { recover, type Recovered } from '../../journal/recover.js';
import type { SegmentSurvey } from '../../journal/pieces.js';
import { segmentFile, type SegmentName } from '../../journal/segments.js';
import { SegmentSurveyor } from '../../journal/survey.js';

/** A journal of one scan, held in memory. */
export interface MemorySegment {
  name: SegmentName;
  bytes: Buffer;
}

/** Loads all segments of a scan. */
export function loadScan(journalDir: string, scan: string): MemorySegment[] {
  const found: MemorySegment[] = [];
  for (const writer of readdirSync(join(journalDir, scan)).sort()) {
    for (const file of readdirSync(join(journalDir, scan, writer)).sort()) {
      const match = /^(\d+)-(\d+)\.ndjson$/.exec(file);
      if (match === null) continue;
      const name = { scan, writer, epoch: Number(match[1]), segment: Number(match[2]) };
      found.push({ name, bytes: readFileSync(join(journalDir, scan, writer, file)) });
    }
  }
  return found;
}

export function surveyOf({ name, bytes }: MemorySegment): SegmentSurvey {
  const surveyor = new SegmentSurveyor({ name, hash: true, ids: true });
  return surveyor.finish(bytes.subarray(surveyor.push(bytes)));
}

/** Recovers segments held in memory; surveys that are at hand already can be given. */
export function recoverSegments(
  scan: string,
  segments: readonly MemorySegment[],
  surveys: ReadonlyMap<string, SegmentSurvey> = new Map(),
): Recovered {
  const surveyed = segments.map((segment) => ({
    name: segment.name,
    survey: surveys.get(segmentFile(segment.name)) ?? surveyOf(segment),
  }));
  return recover(scan, surveyed);
}

/** The lines of a file that count, as text of one byte per character. */
export function countedLines({ counted }: Recovered, { name, bytes }: MemorySegment): string[] {
  const file = segmentFile(name);
  const extents = counted.find((candidate) => candidate.file === file)?.extents ?? [];
  return extents.flatMap(({ fromByte, toByte, fromSeq, toSeq }) => {
    const lines = linesOf(bytes.subarray(fromByte, toByte));
    return lines.slice(0, toSeq - fromSeq + 1);
  });
}

/** Without their line feeds; a last line may have none. */
export function linesOf(bytes: Buffer): string[] {
  const lines = bytes.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function seqOf(line: string): number {
  return Number(/^\{"seq":(\d+),/.exec(line)?.[1]);
}
