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

const SPECIAL = /[.+^${}()|\\]/g;

/** The source of a regular expression for one glob: what `plainSource` knows, and `{a,b}` for either, also nested. */
function globSource(glob: string): string {
  const group = firstGroup(glob);
  if (group === null) return plainSource(glob);
  const { from, to, choices } = group;
  const either = choices.map(globSource).join('|');
  return `${plainSource(glob.slice(0, from))}(?:${either})${globSource(glob.slice(to))}`;
}

/** The first `{…}` with a comma of its own; a brace in `[…]` or without its partner is a character like any other. */
function firstGroup(glob: string): { from: number; to: number; choices: string[] } | null {
  for (let from = 0; from < glob.length; from = endOfSet(glob, from) + 1) {
    if (glob[from] !== '{') continue;
    const choices: string[] = [];
    let begun = from + 1;
    let depth = 0;
    for (let at = from; at < glob.length; at = endOfSet(glob, at) + 1) {
      if (glob[at] === '{') depth += 1;
      else if (glob[at] === '}') depth -= 1;
      if (depth > 1 || (depth === 1 && glob[at] !== ',')) continue;
      choices.push(glob.slice(begun, at));
      begun = at + 1;
      if (depth > 0) continue;
      if (choices.length > 1) return { from, to: at + 1, choices };
      break;
    }
  }
  return null;
}

/** The place of the last character of the `[…]` that begins at a place; the place itself where none does. */
function endOfSet(glob: string, at: number): number {
  return at + (/^\[!?\]?[^\]]*\]/.exec(glob.slice(at))?.[0].length ?? 1) - 1;
}

/** `*`, `?`, `[a-z]`, `[!a-z]`, and `**` across directories. */
function plainSource(glob: string): string {
  return glob.replace(
    /(\*\*\/)|(\/\*\*$)|(\*\*)|(\*)|(\?)|\[(!?)(\]?[^\]]*)\]|([^*?[]+|\[)/g,
    (_all, deep, rest, anything, star, one, not, set: string | undefined, literal: string) => {
      if (deep !== undefined) return '(?:.*/)?';
      if (rest !== undefined) return '/.*';
      if (anything !== undefined) return '.*';
      if (star !== undefined) return '[^/]*';
      if (one !== undefined) return '[^/]';
      if (set !== undefined) return `[${not === '!' ? '^/' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`;
      return literal === '[' ? '\\[' : literal.replace(SPECIAL, '\\$&');
    },
  );
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
 */
export function compileExcludes(
  mountPath: string,
  globs: readonly string[],
  directories: readonly string[],
): Excluder | null {
  if (globs.length === 0 && directories.length === 0) return null;
  const trimmed = globs.map((glob) => (glob.length > 1 ? glob.replace(/\/+$/, '') : glob));
  const names = unionOf(trimmed.filter((glob) => !glob.includes('/')));
  const paths = unionOf(
    trimmed.filter((glob) => glob.includes('/')).map((glob) => glob.replace(/^(?:\.?\/)+/, '')),
  );
  const never = new Set(directories);
  const skip = mountPath.endsWith('/') ? mountPath.length : mountPath.length + 1;
  return (name, path) =>
    never.has(path) || (names?.test(name) ?? false) || (paths !== null && paths.test(path.slice(skip)));
}
