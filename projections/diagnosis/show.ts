import type { PathText } from '../../journal/events/index.js';
import { displayPath, printable } from '../text.js';

/** How names and words of others are shown: as they are, made safe to print, or masked for strangers. */
export interface Show {
  readonly redacted: boolean;
  readonly path: (path: PathText) => string;
  /** Words of an engine or a system, which may hold paths. */
  readonly words: (text: string) => string;
  /** Names that say something about their owner: host, mount. */
  readonly name: (text: string) => string;
}

/** Everything in clear. */
export const CLEAR: Show = { redacted: false, path: displayPath, words: printable, name: printable };

/** A path begins at a slash that follows nothing, space, quote, bracket, colon or equals sign. */
const FIRST_PATH = /(^|[\s"'`([:=])\/\S.*$/s;

/**
 * Masks paths: each name becomes a number, the same one all over the report; depth and extensions stay.
 * Words are cut where the first path in them begins, because nothing tells where a path with spaces ends.
 */
export function masked(): Show {
  const numbers = new Map<string, number>();
  const mask = (name: string): string => {
    const number = numbers.get(name) ?? numbers.size + 1;
    numbers.set(name, number);
    const extension = /\.[A-Za-z0-9]{1,8}$/.exec(name.slice(1))?.[0] ?? '';
    return `n${number}${extension}`;
  };
  return {
    redacted: true,
    path: (path) =>
      displayPath(path)
        .split('/')
        .map((name) => (name === '' ? '' : mask(name)))
        .join('/'),
    words: (text) => printable(text).replace(FIRST_PATH, '$1/…'),
    name: mask,
  };
}
