import { WalkError } from './errors.js';
import { globSource } from './glob.js';

/**
 * What NAS systems and desktops leave behind. Not excluded by default: a catalog that leaves files out should have
 * been asked to. Meant for documentation and for `--exclude`.
 */
export const NAS_DROPPINGS: readonly string[] = [
  '@eaDir',
  '#recycle',
  '#snapshot',
  '.Trash-*',
  '.Recycle.Bin',
  '.AppleDouble',
  '.DS_Store',
  'Thumbs.db',
  '$RECYCLE.BIN',
  'System Volume Information',
  'lost+found',
];

/** Says whether an entry is left out. `path` is absolute; both are strings as in names.ts. */
export type Excluder = (name: string, path: string) => boolean;

/** All together: they stand in the journal's first record, and in one regular expression. */
const ALL_CHARS_MAX = 128 * 1024;

/** A slash needs no quoting, one is as good as many, and one at the end says nothing. */
function tidied(glob: string): string {
  const plain = glob.replace(/\\(.)/gs, (pair, char) => (char === '/' ? '/' : pair));
  return plain.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/s, '');
}

function unionOf(globs: readonly string[]): RegExp | null {
  return globs.length === 0 ? null : new RegExp(`^(?:${globs.map(globSource).join('|')})$`, 'su');
}

/**
 * Compiles what the user wants left out. A glob without `/` matches names at any depth, one with `/` matches paths
 * below the mount (a `/` at its beginning or end changes nothing else). An excluded directory is not entered.
 * @param mountPath absolute
 * @param directories absolute folders never entered, such as the data directory
 * @returns null when nothing is excluded
 * @throws WalkError `bad-glob` where one can mean nothing
 */
export function compileExcludes(
  mountPath: string,
  globs: readonly string[],
  directories: readonly string[],
): Excluder | null {
  if (globs.length === 0 && directories.length === 0) return null;
  if (globs.reduce((sum, { length }) => sum + length, 0) > ALL_CHARS_MAX) {
    throw new WalkError('bad-glob', `together they have more than ${ALL_CHARS_MAX} characters`);
  }
  const tidy = globs.map(tidied);
  const names = unionOf(tidy.filter((glob) => !glob.includes('/')));
  const paths = unionOf(
    tidy.filter((glob) => glob.includes('/')).map((glob) => glob.replace(/^(?:\.?\/)+/, '')),
  );
  const never = new Set(directories);
  const skip = mountPath.endsWith('/') ? mountPath.length : mountPath.length + 1;
  return (name, path) =>
    never.has(path) || (names?.test(name) ?? false) || (paths !== null && paths.test(path.slice(skip)));
}
