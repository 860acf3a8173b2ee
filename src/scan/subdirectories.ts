import { PlanError } from '../plan/errors.js';
import type { MeasureOptions } from '../plan/measure.js';
import { createMeasuring, type Measuring } from '../plan/measuring.js';
import { namesInTime } from '../plan/top-level.js';
import { decodeName, joinPath, nameBytes } from '../walk/names.js';

export interface SubdirectoryOptions extends MeasureOptions {
  ioTimeoutMs: number;
}

/** Between two questions so long nothing is kept ready for the next one. */
const IDLE_MS = 1000;

/**
 * Lists the subdirectories that a worker would enter.
 * A directory that cannot be read, or not in time, has none: the worker that lists its files says why. What hangs is
 * asked by a process that can be left behind: a call of our own that hangs would keep us from ending.
 */
export function subdirectoryLister(options: SubdirectoryOptions): (directory: Buffer) => Promise<Buffer[]> {
  const asking = new Asking(options);
  return async (directory) => {
    const path = decodeName(directory);
    const names = await asking.subdirectories(path);
    return names.map((name) => nameBytes(joinPath(path, name)));
  };
}

class Asking {
  readonly #options: SubdirectoryOptions;
  #measuring: Measuring | null = null;
  #open = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: SubdirectoryOptions) {
    this.#options = options;
  }

  async subdirectories(path: string): Promise<string[]> {
    clearTimeout(this.#idle);
    this.#open += 1;
    const measuring = (this.#measuring ??= createMeasuring(this.#options));
    try {
      const measured = await namesInTime(measuring, path, this.#options.ioTimeoutMs);
      if (measured === null) this.#leave(measuring);
      return measured?.subdirectories ?? [];
    } catch (error) {
      if (error instanceof PlanError) return [];
      throw error;
    } finally {
      this.#open -= 1;
      if (this.#open === 0) this.#idle = setTimeout(() => this.#leave(this.#measuring), IDLE_MS).unref();
    }
  }

  #leave(measuring: Measuring | null): void {
    if (measuring === null || measuring !== this.#measuring) return;
    this.#measuring = null;
    measuring.close();
  }
}
