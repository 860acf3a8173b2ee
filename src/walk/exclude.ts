import { WalkError } from './errors.js';
import { GlobMachine } from './glob-machine.js';
import { globProgram } from './glob.js';

/** Says whether an entry is left out. `path` is absolute; both are strings as in names.ts. */
export type Excluder = (name: string, path: string) => boolean;

/** All together: they stand in the journal's first record, and each name is held against all of them. */
const ALL_CHARS_MAX = 128 * 1024;

/** A slash needs no quoting, one is as good as many, and one at the end says nothing. */
function tidied(glob: string): string {
  const plain = glob.replace(/\\(.)/gs, (pair, char) => (char === '/' ? '/' : pair));
  return plain.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/s, '');
}

/**
 * Whether one of the globs takes a text. Those with one star at most go through one machine together; with more of them it
 * would have to know too many states, so each of the others has its own.
 */
function anyOf(globs: readonly string[]): (text: string) => boolean {
  const together = globs.filter((glob) => glob.split('*').length <= 2);
  const alone = globs.filter((glob) => !together.includes(glob)).map((glob) => [glob]);
  const groups = together.length === 0 ? alone : [together, ...alone];
  const machines = groups.map((group) => new GlobMachine(globProgram(group)));
  return (text) => machines.some((machine) => machine.matches(text));
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
  const takesName = anyOf(tidy.filter((glob) => !glob.includes('/')));
  const takesPath = anyOf(
    tidy.filter((glob) => glob.includes('/')).map((glob) => glob.replace(/^(?:\.?\/)+/, '')),
  );
  const never = new Set(directories);
  const skip = mountPath.endsWith('/') ? mountPath.length : mountPath.length + 1;
  return (name, path) => never.has(path) || takesName(name) || takesPath(path.slice(skip));
}
