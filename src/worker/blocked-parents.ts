import type { DirectoryJob } from '../walk/protocol.js';

/**
 * Keeps back directories in whose parent a lookup has hung: while it does, the kernel may hold up every other lookup
 * there (with FUSE it does), and each would cost a thread and the time limit. When all else is done one of them is
 * tried: in time, and the others follow; not in time, and they are given up together.
 */
export class BlockedParents {
  /** By parent. */
  readonly #kept = new Map<string, DirectoryJob[]>();
  /** Directories being tried: id to parent. */
  readonly #tried = new Map<number, string>();

  /** Those that may be listed now. */
  admit(jobs: DirectoryJob[]): DirectoryJob[] {
    if (this.#kept.size === 0) return jobs;
    return jobs.filter((job) => {
      const kept = this.#kept.get(parentOf(job.path));
      kept?.push(job);
      return kept === undefined;
    });
  }

  /** One directory of each such parent, for the time when nothing else is left to do. */
  tries(): DirectoryJob[] {
    const jobs: DirectoryJob[] = [];
    for (const [parent, kept] of this.#kept) {
      const job = kept.shift();
      if (job === undefined) this.#kept.delete(parent);
      else {
        this.#tried.set(job.id, parent);
        jobs.push(job);
      }
    }
    return jobs;
  }

  /**
   * @param done ids of directories that were answered for
   * @param timedOut paths of those among them that could not be looked up in time
   */
  settle(
    done: readonly number[],
    timedOut: readonly string[],
  ): { again: DirectoryJob[]; lost: DirectoryJob[] } {
    const again: DirectoryJob[] = [];
    const lost: DirectoryJob[] = [];
    const parents = new Set(timedOut.map(parentOf));
    for (const id of this.#tried.size === 0 ? [] : done) {
      const parent = this.#tried.get(id);
      if (parent === undefined) continue;
      this.#tried.delete(id);
      (parents.has(parent) ? lost : again).push(...(this.#kept.get(parent) ?? []));
      this.#kept.delete(parent);
      parents.delete(parent);
    }
    for (const parent of parents) if (!this.#kept.has(parent)) this.#kept.set(parent, []);
    return { again, lost };
  }
}

/** Of a path; `/` is its own. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
