import { PlanError } from '../plan/errors.js';
import type { MeasureOptions } from '../plan/measure.js';
import type { MeasuringAtHand } from '../plan/measuring-at-hand.js';
import { namesInTime } from '../plan/top-level.js';
import { decodeName, joinPath, nameBytes } from '../walk/names.js';

export interface SubdirectoryOptions extends MeasureOptions {
  ioTimeoutMs: number;
}

/**
 * Lists the subdirectories that a worker would enter.
 * A directory that cannot be read, or not in time, has none: the worker that lists its files says why. What hangs is
 * asked by a process that can be left behind: a call of our own that hangs would keep us from ending.
 */
export function subdirectoryLister(
  { ioTimeoutMs, ...options }: SubdirectoryOptions,
  atHand: MeasuringAtHand,
): (directory: Buffer, signal?: AbortSignal) => Promise<Buffer[]> {
  return async (directory, signal) => {
    const path = decodeName(directory);
    const measuring = atHand.use(options);
    try {
      const measured = await namesInTime(measuring, path, ioTimeoutMs, signal);
      return (measured?.subdirectories ?? []).map((name) => nameBytes(joinPath(path, name)));
    } catch (error) {
      if (error instanceof PlanError) return [];
      throw error;
    } finally {
      atHand.done();
    }
  };
}
