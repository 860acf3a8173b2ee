import type { PathText } from '../../journal/events/index.js';

/** Beyond this many, top-level directories are counted together: an index of theirs takes two bytes. */
const TOPS_MAX = 0xffff;
/** What lies nowhere below the mount, or in a directory beyond the limit. */
export const ELSEWHERE = 0;

/** Numbers the directories right below a mount; the mount's own files are the one without a name. */
export class TopIndex {
  /** By number; the first one stands for {@link ELSEWHERE}. */
  readonly names: string[] = [''];
  readonly #byName = new Map<string, number>();
  readonly #mount: string | null;
  /** Of the last path asked for, with a slash behind it: the next one mostly lies in the same. */
  #lastPrefix = '\0';
  #last = ELSEWHERE;

  /** @param mount null, and one that is no valid UTF-8: everything is elsewhere */
  constructor(mount: PathText | null) {
    this.#mount = typeof mount === 'string' ? mount : null;
  }

  of(path: PathText): number {
    if (typeof path !== 'string' || this.#mount === null) return ELSEWHERE;
    if (path.startsWith(this.#lastPrefix)) return this.#last;
    const below = this.#mount === '/' ? 1 : this.#mount.length + 1;
    if (path === this.#mount) return this.number('');
    if (!path.startsWith(this.#mount) || path[below - 1] !== '/') return ELSEWHERE;
    const slash = path.indexOf('/', below);
    const end = slash < 0 ? path.length : slash;
    this.#last = this.number(path.slice(below, end));
    this.#lastPrefix = `${path.slice(0, end)}/`;
    return this.#last;
  }

  /** The number of a name, made when there is none. */
  number(name: string): number {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.names.length >= TOPS_MAX) return ELSEWHERE;
    // A copy: a slice would keep the whole path alive.
    const own = Buffer.from(name).toString();
    const made = this.names.push(own) - 1;
    this.#byName.set(own, made);
    return made;
  }
}

/** What was recorded below one directory of the mount. */
export interface TopCoverage {
  /** `''`: the mount's own files; null: what is in no directory of it that could be told. */
  name: string | null;
  directories: number;
  files: number;
  bytes: number;
  problems: number;
  /** Directories that were begun and never listed, and subdirectories that never appeared. */
  unlisted: number;
}
