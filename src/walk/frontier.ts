import type { ChunkRoot } from '../../journal/events/index.js';
import { joinPath, nameForJournal, nameFromJournal } from './names.js';
import type { DirectoryJob, FoundGroup } from './protocol.js';

/** What a root takes in JSON beside its path. */
const ROOT_CHARS = 40;

interface Group extends FoundGroup {
  /** Offset of the next name in `names`. */
  at: number;
}

/** Directories found and not yet handed out: the newest first, so that few wait at any time. */
export class Frontier {
  readonly #roots: ChunkRoot[];
  readonly #groups: Group[] = [];
  /** Those for other chunks. */
  readonly #givenAway: ChunkRoot[] = [];
  readonly #wasListed: (path: string) => boolean;
  #nextId = 1;

  /** @param wasListed whether an earlier attempt recorded the directory completely; asked once of each */
  constructor(roots: readonly ChunkRoot[], wasListed: (path: string) => boolean) {
    this.#roots = [...roots].reverse();
    this.#wasListed = wasListed;
  }

  get isEmpty(): boolean {
    return this.#roots.length === 0 && this.#groups.length === 0;
  }

  add(group: FoundGroup): void {
    if (group.names !== '') this.#groups.push({ ...group, at: 0 });
  }

  take(count: number): DirectoryJob[] {
    const jobs: DirectoryJob[] = [];
    while (jobs.length < count) {
      const job = this.#next();
      if (job === null) break;
      if (job.record || job.descend) jobs.push(job);
    }
    return jobs;
  }

  /**
   * Only those that an earlier attempt recorded; the others that come first are given away. Whole subtrees with such
   * directories in them must not be: another chunk would record these again.
   */
  takeListed(count: number): DirectoryJob[] {
    const jobs: DirectoryJob[] = [];
    while (jobs.length < count) {
      const job = this.#next();
      if (job === null) break;
      if (job.record) {
        const scope = job.descend ? 'subtree' : 'files';
        this.#givenAway.push({ path: nameForJournal(job.path), scope });
      } else if (job.descend) jobs.push(job);
    }
    return jobs;
  }

  /** Everything that is given away or waits, as roots of other chunks; nothing waits afterwards. */
  drain(): ChunkRoot[] {
    const roots = [...this.#givenAway.splice(0), ...this.#roots.splice(0).reverse()];
    for (let path = this.#pop(); path !== null; path = this.#pop()) {
      roots.push({ path: nameForJournal(path), scope: 'subtree' });
    }
    return roots;
  }

  /** Whether the paths of all that wait, named one by one, take at most so many characters. */
  fitsInto(charsMax: number): boolean {
    let chars = 0;
    for (const root of this.#roots) {
      chars += (typeof root.path === 'string' ? root.path : root.path.b64).length + ROOT_CHARS;
    }
    for (const { parent, names, at } of this.#groups) {
      for (let from = at; from < names.length && chars <= charsMax;) {
        const slash = names.indexOf('/', from);
        const end = slash === -1 ? names.length : slash;
        chars += parent.length + end - from + ROOT_CHARS;
        from = end + 1;
      }
    }
    return chars <= charsMax;
  }

  #next(): DirectoryJob | null {
    const found = this.#pop();
    if (found !== null) return this.#job(found, true, false);
    const root = this.#roots.pop();
    return root === undefined ? null : this.#job(nameFromJournal(root.path), root.scope === 'subtree', true);
  }

  #job(path: string, descend: boolean, isRoot: boolean): DirectoryJob {
    const id = this.#nextId;
    this.#nextId += 1;
    return { id, path, record: !this.#wasListed(path), descend, isRoot };
  }

  #pop(): string | null {
    const group = this.#groups.at(-1);
    if (group === undefined) return null;
    const slash = group.names.indexOf('/', group.at);
    const end = slash === -1 ? group.names.length : slash;
    const path = joinPath(group.parent, group.names.slice(group.at, end));
    group.at = end + 1;
    if (slash === -1) this.#groups.pop();
    return path;
  }
}
