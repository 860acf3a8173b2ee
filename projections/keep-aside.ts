import { linkSync, renameSync, statSync, type Stats } from 'node:fs';
import { ProjectionError } from './errors.js';
import { isFormerCatalog, isUnreadable } from './former-catalog.js';
import { printable } from './text.js';

/** Beside a database: pages that are not in it yet. Without them it may not be whole. */
const SIDE_FILES = ['-wal', '-journal'] as const;
/** More unreadable files than anybody collects; a folder that holds so many has another trouble. */
const NAMES_MAX = 1_000;

/** A former catalog is about to be replaced by what the journal has of it; the file itself stays, under another name. */
export function keepFormer(path: string): void {
  if (!isFormerCatalog(path)) return;
  try {
    linkSync(path, `${path}.former`);
  } catch (error) {
    // There is one already, or the file system has no links: the journal holds every row.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/**
 * A file that cannot be read as a catalog, and does not say that it was made here, may be a former one with rows that
 * are nowhere else: whoever puts a new catalog in its place keeps it first. Done again for the same file, it changes nothing.
 * @returns the name it is kept under, absolute; null where there is no such file
 */
export function keepUnreadable(path: string): string | null {
  if (!isUnreadable(path)) return null;
  const file = statSync(path);
  for (let number = 1; number <= NAMES_MAX; number += 1) {
    const kept = `${path}.unreadable${number === 1 ? '' : `-${number}`}`;
    const there = statSync(kept, { throwIfNoEntry: false });
    if (there !== undefined && isSame(there, file)) return kept;
    if (there !== undefined) continue;
    for (const end of SIDE_FILES) if (exists(path + end)) keep(path + end, kept + end);
    keep(path, kept);
    return kept;
  }
  throw new ProjectionError(
    'foreign-file',
    `${path} cannot be read, and every name to keep it under is taken`,
    {
      path,
      hint: `move some of ${path}.unreadable and ${NAMES_MAX - 1} more elsewhere`,
    },
  );
}

/** For people: what became of such a file. */
export const keptText = (kept: string): string =>
  `the unreadable file is kept as ${printable(kept)}: rows of a former catalog that it may hold are nowhere else; delete it when you do not need them`;

/** Under both names until the first is replaced; where the file system has no links, under the new one alone. */
function keep(path: string, kept: string): void {
  try {
    linkSync(path, kept);
  } catch {
    renameSync(path, kept);
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
const isSame = (one: Stats, other: Stats): boolean => one.ino === other.ino && one.dev === other.dev;
