import { closeSync, openSync, statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { JournalError } from './errors.js';
import type { SegmentSurvey } from './pieces.js';
import { AroundReader, isOfTheFile } from './read-around.js';
import { RECORD_BYTES_MAX } from './record.js';
import { segmentPath } from './segments.js';
import { errnoName } from './storage.js';
import { SegmentSurveyor, type SurveyObserver, type SurveyOptions } from './survey.js';

/** Bytes read at once. */
const BLOCK_BYTES = 1024 * 1024;
/** A surveyor leaves at most this much for the next block. */
const REST_BYTES_MAX = 2 * RECORD_BYTES_MAX;
/** Other work gets its turn after so many blocks. */
const BLOCKS_PER_TURN = 4;

/** Buffers to read into again: memory outside the heap is given back late. */
const spare: Buffer[] = [];
const SPARE_MAX = 1;

/** One segment for a thread to survey. */
export interface SurveyTask extends SurveyOptions {
  journalDir: string;
  bytes: number;
}

/**
 * Surveys a file from its first byte to its last; null when it is not there any more. What the system does not give
 * (a bad sector, a file nobody may read) is part of the survey, not an error.
 */
export async function surveyFile(
  task: SurveyTask,
  observe: SurveyObserver | null = null,
): Promise<SegmentSurvey | null> {
  const path = segmentPath(task.journalDir, task.name);
  const surveyor = new SegmentSurveyor(task, observe);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return null;
    if (!isOfTheFile(error)) throw unreadable(path, error);
    return surveyClosed(surveyor, path, errnoName(error));
  }
  let buffer: Buffer | undefined;
  try {
    const reader = new AroundReader(file, 0, (stretch) => {
      surveyor.expectUnreadable(stretch);
    });
    buffer = spare.pop() ?? Buffer.allocUnsafe(BLOCK_BYTES + REST_BYTES_MAX);
    let rest = 0;
    for (let blocks = 1; ; blocks += 1) {
      const count = reader.read(buffer, rest, Math.min(BLOCK_BYTES, buffer.length - rest));
      if (count === 0) return surveyor.finish(buffer.subarray(0, rest));
      const filled = rest + count;
      const consumed = surveyor.push(buffer.subarray(0, filled));
      rest = filled - consumed;
      if (consumed > 0 && rest > 0) buffer.copyWithin(0, consumed, filled);
      if (blocks % BLOCKS_PER_TURN === 0) await breathe();
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    if (buffer !== undefined && spare.length < SPARE_MAX) spare.push(buffer);
    closeSync(file);
  }
}

/** A file that cannot be opened: all its bytes, as many as its folder says, are unreadable. */
function surveyClosed(surveyor: SegmentSurveyor, path: string, code: string): SegmentSurvey {
  // Its folder could be read: only a file that went away in between has no size.
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return surveyor.allUnreadable(size, code);
}

function unreadable(path: string, cause: unknown): JournalError {
  const message = `cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new JournalError('io', message, { cause, path });
}
