import { isOver, type ChunkState } from './status-chunk.js';

/** How long the rest may take. Seconds are null where nothing can be said. */
export interface Remaining {
  /** Files the plan expects beyond those recorded. */
  files: number;
  /** Whether more than `files` may come: planning goes on, or chunks of unknown size are waiting. */
  atLeast: boolean;
  secondsLow: number | null;
  secondsHigh: number | null;
}

interface Estimated {
  state: ChunkState;
  files: number;
  estimatedFiles: number;
}

/**
 * Uncertainty comes from two honest sources: the plan (sizes not known yet) and the pace (now against the mean so
 * far). Nothing is said before there is a pace.
 */
export function estimateRemaining(
  chunks: readonly Estimated[],
  pace: { planning: boolean; recentPerSecond: number; meanPerSecond: number },
): Remaining {
  let files = 0;
  let unknown = pace.planning;
  for (const chunk of chunks) {
    if (isOver(chunk.state)) continue;
    if (chunk.estimatedFiles === 0 || chunk.files > chunk.estimatedFiles) unknown = true;
    files += Math.max(0, chunk.estimatedFiles - chunk.files);
  }
  const fast = Math.max(pace.recentPerSecond, pace.meanPerSecond);
  const slow = Math.min(pace.recentPerSecond, pace.meanPerSecond);
  return {
    files,
    atLeast: unknown,
    secondsLow: fast > 0 && files > 0 ? files / fast : null,
    secondsHigh: !unknown && slow > 0 && files > 0 ? files / slow : null,
  };
}
