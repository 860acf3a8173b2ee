import { lstat, readdir } from 'node:fs/promises';
import { compileExcludes } from '../walk/exclude.js';
import { decodeName, joinPath, nameBytes } from '../walk/names.js';

export interface SubdirectoryOptions {
  mountPath: string;
  exclude: readonly string[];
  /** Absolute folders never entered. */
  excludeDirectories: readonly string[];
  oneFileSystem: boolean;
  ioTimeoutMs: number;
}

/**
 * Lists the subdirectories that a worker would enter.
 * A directory that cannot be read, or not in time, has none: the worker that lists its files says why.
 */
export function subdirectoryLister(options: SubdirectoryOptions): (directory: Buffer) => Promise<Buffer[]> {
  const excluded = compileExcludes(options.mountPath, options.exclude, options.excludeDirectories);
  return async (directory) => {
    const path = decodeName(directory);
    const entries = await inTime(
      readdir(directory, { withFileTypes: true, encoding: 'buffer' }),
      options.ioTimeoutMs,
    );
    const found: Buffer[] = [];
    for (const entry of entries ?? []) {
      if (!entry.isDirectory()) continue;
      const name = decodeName(entry.name);
      const child = joinPath(path, name);
      if (excluded?.(name, child) === true) continue;
      const bytes = nameBytes(child);
      if (!options.oneFileSystem || (await sameDevice(directory, bytes, options.ioTimeoutMs)))
        found.push(bytes);
    }
    return found;
  };
}

async function sameDevice(parent: Buffer, child: Buffer, timeoutMs: number): Promise<boolean> {
  const [above, below] = await Promise.all([
    inTime(lstat(parent), timeoutMs),
    inTime(lstat(child), timeoutMs),
  ]);
  return above !== null && below !== null && above.dev === below.dev;
}

/** null where the file system says no, or nothing in time. */
async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => (timer = setTimeout(resolve, timeoutMs, null)));
  const answer = work.catch(() => null);
  return Promise.race([answer, timeout]).finally(() => {
    clearTimeout(timer);
  });
}
