import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WalkError } from '../../src/walk/errors.js';
import { compileExcludes } from '../../src/walk/exclude.js';

const MOUNT = '/mount';

/** Our word: whether a path below the mount is left out; null where the glob is refused. */
function ours(glob: string, path: string): boolean | null {
  try {
    const excluder = compileExcludes(MOUNT, [glob], []);
    return excluder?.(path.slice(path.lastIndexOf('/') + 1), `${MOUNT}/${path}`) ?? false;
  } catch (error) {
    if (error instanceof WalkError) return null;
    throw error;
  }
}

/** A character of a glob, and whether a backslash stood before it. */
interface Char {
  char: string;
  quoted: boolean;
}

class Senseless extends Error {}

function charsOf(glob: string): Char[] {
  const chars: Char[] = [];
  const all = Array.from(glob);
  for (let at = 0; at < all.length; at += 1) {
    const quoted = all[at] === '\\';
    if (quoted) at += 1;
    const char = all[at];
    if (char === undefined) throw new Senseless();
    chars.push({ char, quoted });
  }
  return chars;
}

/** Parts at each slash, quoted or not: the only thing no wildcard of one name reaches across. */
function partsOf(chars: readonly Char[]): Char[][] {
  const parts: Char[][] = [[]];
  for (const each of chars) {
    if (each.char === '/') parts.push([]);
    else parts.at(-1)?.push(each);
  }
  return parts;
}

const is = (each: Char | undefined, char: string): boolean => each?.char === char && !each.quoted;

/** What `[…]` at the beginning takes, as fnmatch(3) reads it; null where nothing closes it. */
function setOf(glob: readonly Char[]): { takes: (char: string) => boolean; rest: Char[] } | null {
  let at = 1;
  const not = is(glob[at], '!') || is(glob[at], '^');
  if (not) at += 1;
  const ranges: [string, string][] = [];
  for (let first = true; first || !is(glob[at], ']'); first = false) {
    const from = glob[at]?.char;
    if (from === undefined) return null;
    const to = glob[at + 2];
    const isRange = is(glob[at + 1], '-') && to !== undefined && !is(to, ']');
    ranges.push([from, isRange ? to.char : from]);
    at += isRange ? 3 : 1;
  }
  if (ranges.some(([from, to]) => from > to)) throw new Senseless();
  const takes = (char: string): boolean => ranges.some(([from, to]) => from <= char && char <= to) !== not;
  return { takes, rest: glob.slice(at + 1) };
}

/** Whether a part of a glob takes a name. Looks at all of the glob, so that it is refused whatever the name is. */
function takesName(glob: readonly Char[], name: readonly string[]): boolean {
  const [head, ...rest] = glob;
  const [char, ...after] = name;
  if (head === undefined) return char === undefined;
  if (is(head, '*')) {
    const none = takesName(rest, name);
    return none || (char !== undefined && takesName(glob, after));
  }
  const set = is(head, '[') ? setOf(glob) : null;
  const next = takesName(set?.rest ?? rest, after);
  if (char === undefined) return false;
  if (set !== null) return set.takes(char) && next;
  return (is(head, '?') || head.char === char) && next;
}

/** `**` as a whole part stands for any number of folders; at the end for at least one entry. */
function takesPath(glob: readonly Char[][], path: readonly string[]): boolean {
  const [part, ...rest] = glob;
  const [name, ...below] = path;
  if (part === undefined) return name === undefined;
  const deep = part.length > 1 && part.every((each) => is(each, '*'));
  if (deep && rest.length === 0) return name !== undefined;
  if (deep) {
    const none = takesPath(rest, path);
    return none || (name !== undefined && takesPath(glob, below));
  }
  const taken = takesName(part, Array.from(name ?? ''));
  const next = takesPath(rest, below);
  return name !== undefined && taken && next;
}

function reference(glob: string, path: string): boolean | null {
  try {
    const parts = partsOf(charsOf(glob));
    const names = path.split('/');
    // No slash but at its end: a name at any depth.
    const last = parts.findLastIndex((part) => part.length > 0);
    if (last <= 0 && parts[0]?.length !== 0) return takesName(parts[0] ?? [], Array.from(names.at(-1) ?? ''));
    const first = parts.findIndex((part) => part.length > 0 && !(part.length === 1 && is(part[0], '.')));
    if (first === -1) return false;
    const inner = parts.slice(first).filter((part) => part.length > 0);
    return takesPath(inner, names);
  } catch (error) {
    if (error instanceof Senseless) return null;
    throw error;
  }
}

const ALPHABET = ['a', 'b', '[', ']', '!', '^', '-', '*', '?', '/', '\\'];
const globs = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 1, maxLength: 12 });
const name = fc.string({
  unit: fc.constantFrom(...ALPHABET.filter((char) => char !== '/')),
  minLength: 1,
  maxLength: 5,
});
const paths = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

test('a glob takes what a simple matcher says it takes, and is refused where that finds no sense in it', () => {
  fc.assert(
    fc.property(globs, paths, (glob, path) => {
      expect(ours(glob, path)).toBe(reference(glob, path));
    }),
    { numRuns: 20_000 },
  );
});

test('a path with its own characters quoted takes that path', () => {
  fc.assert(
    fc.property(paths, (path) => {
      const glob = `/${path.replace(/[^a-z/]/g, '\\$&')}`;
      expect(ours(glob, path)).toBe(true);
      expect(ours(glob, `${path}b`)).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['anything', fc.string({ unit: 'binary', maxLength: 40 })],
  [
    'punctuation',
    fc.string({ unit: fc.constantFrom(...Array.from('{},[]!^-:.=*?/\\|()$+&~ab\n')), maxLength: 40 }),
  ],
  [
    'very much of it',
    fc.string({ unit: fc.constantFrom('{', '}', ',', 'a'), minLength: 3000, maxLength: 6000 }),
  ],
])('%s as a glob is compiled or refused, nothing else', (_what, texts) => {
  fc.assert(
    fc.property(texts, paths, (glob, path) => {
      expect(ours(glob, path)).toBeOneOf([true, false, null]);
    }),
    { numRuns: 300 },
  );
});
