import { HashIndex } from '../../journal/hash-index.js';
import { hashPath } from '../../journal/path-hash.js';
import type { PathText } from '../../journal/events/index.js';

/** Sets the hashes of one chunk's directories apart from another's. */
const CHUNK_PRIME = 0x9e3779b1;

/**
 * Directories that count, of all chunks of a scan: their hashes, some 15 bytes each. A set of JavaScript's own takes
 * three times that, and ends at 16 million.
 */
export class CountedDirectories {
  readonly #index = new HashIndex();

  has(chunk: number, path: PathText): boolean {
    return this.#index.find(hashIn(chunk, path)) >= 0;
  }

  /** @returns whether it was not there */
  add(chunk: number, path: PathText): boolean {
    const before = this.#index.size;
    this.#index.intern(hashIn(chunk, path));
    return this.#index.size > before;
  }
}

function hashIn(chunk: number, path: PathText): { low: number; high: number } {
  const { low, high } = hashPath(path);
  return { low: (low ^ Math.imul(chunk, CHUNK_PRIME)) >>> 0, high };
}
