import { pathBytes, pathKey, toPathText } from './path-text.js';
import type { PathText } from './events/index.js';

/** 64 bits as two unsigned halves: with two million directories a collision is one in ten million runs. */
export interface PathHash {
  low: number;
  high: number;
}

const SEED_LOW = 0xdeadbeef;
const SEED_HIGH = 0x41c6ce57;
const PRIME_LOW = 2654435761;
const PRIME_HIGH = 1597334677;
const SLASH = 0x2f;

function finish(low: number, high: number): PathHash {
  let a = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  let b = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  a ^= a >>> 16;
  b ^= b >>> 16;
  return { low: a >>> 0, high: b >>> 0 };
}

/** Hashes a path and, in the same pass, the path of its parent (null for `/` and for what has none). */
export function hashWithParent(path: PathText): { self: PathHash; parent: PathHash | null } {
  if (typeof path !== 'string') return hashBytesPath(path);
  let low = SEED_LOW;
  let high = SEED_HIGH;
  let parentLow = low;
  let parentHigh = high;
  let parentEnd = -1;
  for (let at = 0; at < path.length; at += 1) {
    const code = path.charCodeAt(at);
    if (code === SLASH) {
      parentLow = low;
      parentHigh = high;
      parentEnd = at;
    }
    low = Math.imul(low ^ code, PRIME_LOW);
    high = Math.imul(high ^ code, PRIME_HIGH);
  }
  const self = finish(low, high);
  if (parentEnd < 0 || path === '/') return { self, parent: null };
  return { self, parent: parentEnd === 0 ? hashPath('/') : finish(parentLow, parentHigh) };
}

export function hashPath(path: PathText): PathHash {
  return typeof path === 'string' ? hashWithParent(path).self : hashBytesPath(path).self;
}

/** The parent of a path that is not valid UTF-8 may well be valid, and must then hash as the string it is. */
function hashBytesPath(path: PathText): { self: PathHash; parent: PathHash | null } {
  const bytes = pathBytes(path);
  const slash = bytes.lastIndexOf(SLASH);
  const self = hashWithParent(pathKey(path)).self;
  if (slash < 0) return { self, parent: null };
  return { self, parent: hashPath(slash === 0 ? '/' : toPathText(bytes.subarray(0, slash))) };
}
