import { bytesRead, isOver, type ChunkStatus } from './status-chunk.js';

/** How long the rest may take. Seconds are null where nothing can be said. */
export interface Remaining {
  /** Files the plan expects beyond those recorded. */
  files: number;
  /** Whether more than `files` may come: planning goes on, or chunks of unknown size are waiting. */
  atLeast: boolean;
  secondsLow: number | null;
  secondsHigh: number | null;
}

export interface Pace {
  recentPerSecond: number;
  meanPerSecond: number;
}

type Estimated = Pick<
  ChunkStatus,
  'state' | 'files' | 'estimatedFiles' | 'bytes' | 'estimatedBytes' | 'isSized' | 'reading'
>;

/**
 * Uncertainty comes from two honest sources: the plan (sizes not known yet) and the pace (now against the mean so
 * far). Nothing is said before there is a pace.
 * @param bytes null where files are not read to their end: then their number alone counts
 */
export function estimateRemaining(
  chunks: readonly Estimated[],
  { planning, files, bytes }: { planning: boolean; files: Pace; bytes: Pace | null },
): Remaining {
  const left = { files: 0, bytes: 0 };
  let unknown = planning;
  for (const chunk of chunks) {
    if (isOver(chunk.state)) continue;
    if (!chunk.isSized || chunk.estimatedFiles === 0 || chunk.files > chunk.estimatedFiles) unknown = true;
    left.files += Math.max(0, chunk.estimatedFiles - chunk.files);
    left.bytes += Math.max(0, chunk.estimatedBytes - Number(chunk.bytes) - bytesRead(chunk));
  }
  const spans = [secondsFor(left.files, files), ...(bytes === null ? [] : [secondsFor(left.bytes, bytes)])];
  const [low, high] = [
    Math.max(...spans.map((span) => span.low)),
    Math.max(...spans.map((span) => span.high)),
  ];
  return {
    files: left.files,
    atLeast: unknown,
    secondsLow: low > 0 ? low : null,
    secondsHigh: !unknown && high > 0 && Number.isFinite(high) ? high : null,
  };
}

/** At the faster pace and at the slower one; 0 and Infinity where nothing has been done. */
function secondsFor(amount: number, pace: Pace): { low: number; high: number } {
  if (amount === 0) return { low: 0, high: 0 };
  const fast = Math.max(pace.recentPerSecond, pace.meanPerSecond);
  const slow = Math.min(pace.recentPerSecond, pace.meanPerSecond);
  return { low: fast > 0 ? amount / fast : 0, high: amount / slow };
}
