import { pathBytes, toPathText } from '../../journal/path-text.js';
import type { ChunkRoot } from '../../journal/events/index.js';

/** Paths by their bytes: every byte is one character. */
function byteKey(path: Buffer): string {
  return path.toString('latin1');
}

function parentKey(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

/** Where chunks start, ready to be asked about any directory. */
class CoveredPlaces {
  readonly #subtrees = new Set<string>();
  readonly #files = new Set<string>();
  /** Every directory with a chunk's root somewhere below it. */
  readonly #above = new Set<string>();

  constructor(roots: Iterable<ChunkRoot>) {
    for (const root of roots) {
      const key = byteKey(pathBytes(root.path));
      (root.scope === 'subtree' ? this.#subtrees : this.#files).add(key);
      for (let up = parentKey(key); up !== '' && !this.#above.has(up); up = parentKey(up))
        this.#above.add(up);
    }
  }

  hasSubtree(directory: Buffer): boolean {
    return this.#subtrees.has(byteKey(directory));
  }
  hasFiles(directory: Buffer): boolean {
    return this.#files.has(byteKey(directory));
  }
  reachesBelow(directory: Buffer): boolean {
    return this.#above.has(byteKey(directory));
  }
}

/**
 * What of the mount is in no chunk: after a planner that was stopped half-way, or because it appeared since.
 * Together with the given roots the result is an exact partition of what `list` shows now.
 * @param list paths of a directory's subdirectories, without those that are excluded; rejects where it cannot be read
 */
export async function uncoveredRoots(
  mountPath: Buffer,
  roots: Iterable<ChunkRoot>,
  list: (directory: Buffer) => Promise<Buffer[]>,
): Promise<ChunkRoot[]> {
  const covered = new CoveredPlaces(roots);
  const found: ChunkRoot[] = [];
  const queue = [mountPath];
  for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
    if (covered.hasSubtree(directory)) continue;
    if (!covered.hasFiles(directory) && !covered.reachesBelow(directory)) {
      found.push({ path: toPathText(directory), scope: 'subtree' });
      continue;
    }
    if (!covered.hasFiles(directory)) found.push({ path: toPathText(directory), scope: 'files' });
    queue.push(...(await list(directory)));
  }
  return found;
}
