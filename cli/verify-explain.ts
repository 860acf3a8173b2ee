import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { recordEndingAt } from '../journal/checkpoint.js';
import { decodeEvent } from '../journal/decode-event.js';
import type { ChunkRoot, PathText } from '../journal/events/index.js';
import { readWriter } from '../journal/read-writer.js';
import { decodeLine, RECORD_BYTES_MAX, type RawRecord } from '../journal/record.js';
import type { ScanReport, SegmentReport } from '../journal/recovery.js';
import { chunkOfWriter, COORDINATOR } from '../journal/segments.js';
import { displayPath, formatCount } from '../projections/text.js';
import { ifKnown } from './if-known.js';

/** Places that are told of one segment; more say nothing new. */
const PLACES_MAX = 5;
const ROOTS_MAX = 3;

/** What is wrong with a segment, in the words of who owns the files. The first line names it. */
export async function explain(
  journalDir: string,
  report: ScanReport,
  segment: SegmentReport,
): Promise<string[]> {
  const chunk = chunkOfWriter(segment.writer);
  const about =
    chunk === null
      ? segment.writer
      : ((await ifKnown(() => chunkText(journalDir, report.scan, chunk))) ?? `chunk ${chunk}`);
  const lines = [`${segment.file}: ${segment.state} (${about})`];
  lines.push(...segment.detail.slice(0, PLACES_MAX));
  if (segment.detail.length > PLACES_MAX)
    lines.push(`and ${formatCount(segment.detail.length - PLACES_MAX)} more places`);
  if (chunk !== null && segment.state === 'damaged') {
    for (const range of segment.badRanges.slice(0, PLACES_MAX)) {
      const place = await ifKnown(() => between(join(journalDir, segment.file), range));
      if (place !== null) lines.push(place);
    }
  }
  lines.push(adviceFor(segment));
  return lines;
}

function adviceFor({ state, badBytes, newerFormat }: SegmentReport): string {
  if (newerFormat) return NEWER_ADVICE;
  return state === 'torn' && badBytes === 0 ? EMPTY_ADVICE : (ADVICE[state] ?? '');
}

const ADVICE: Partial<Record<SegmentReport['state'], string>> = {
  torn: 'Normal after a crash: nothing that was acknowledged is missing. nas-scanner repair cuts it off.',
  damaged: 'All other records are good. A scan of the same mount reads these directories again.',
  lost: 'A scan of the same mount reads what is missing again; a copy of the file, put back, is as good.',
};

/** A file that was begun and never written to. */
const EMPTY_ADVICE =
  'Normal after a crash: nothing that was acknowledged is missing, and nothing needs to be done.';

const NEWER_ADVICE =
  'A newer program began it, so it may well be sound: verify it, and repair it, with that one or a newer one.';

async function chunkText(journalDir: string, scan: string, chunk: number): Promise<string> {
  const roots = await rootsOf(journalDir, scan, chunk);
  if (roots.length === 0) return `chunk ${chunk}`;
  const shown = roots.slice(0, ROOTS_MAX).map(({ path }) => displayPath(path));
  const more = roots.length > ROOTS_MAX ? ` and ${roots.length - ROOTS_MAX} more` : '';
  return `chunk ${chunk}: ${shown.join(', ')}${more}`;
}

async function rootsOf(journalDir: string, scan: string, chunk: number): Promise<readonly ChunkRoot[]> {
  for await (const batch of readWriter({ journalDir, scan, writer: COORDINATOR })) {
    for (const { record } of batch) {
      if (record.type !== 'chunk.planned') continue;
      const event = decodeEvent(record);
      if (event?.type === 'chunk.planned' && event.data.chunk === chunk) return event.data.roots;
    }
  }
  return [];
}

/** Between which directories the unreadable records lie. */
async function between(path: string, range: { fromByte: number; toByte: number }): Promise<string | null> {
  const before = directoryOf(await recordEndingAt(path, range.fromByte), 'last');
  const after = directoryOf(await recordStartingAt(path, range.toByte), 'first');
  if (before === null && after === null) return null;
  const from = before === null ? 'the start of the chunk' : displayPath(before);
  const to = after === null ? 'its end' : displayPath(after);
  return `its directories were listed between ${from} and ${to}`;
}

function directoryOf(record: RawRecord | null, which: 'first' | 'last'): PathText | null {
  if (record?.type !== 'files.batch') return null;
  const event = decodeEvent(record);
  if (event?.type !== 'files.batch') return null;
  return event.data.directories.at(which === 'first' ? 0 : -1)?.path ?? null;
}

async function recordStartingAt(path: string, offset: number): Promise<RawRecord | null> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(RECORD_BYTES_MAX);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
    const decoded = decodeLine(buffer.subarray(0, end < 0 ? bytesRead : end));
    return decoded.ok ? decoded.record : null;
  } finally {
    await handle.close();
  }
}
