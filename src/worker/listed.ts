import { decodeEvent } from '../../journal/decode-event.js';
import { readWriter } from '../../journal/read-writer.js';
import type { ListedDirectory } from '../../journal/events/index.js';
import type { ReadRecord } from '../../journal/reader.js';
import { nameFromJournal } from '../walk/names.js';
import { MOUNT_TROUBLE_CODES } from '../walk/system-error.js';
import { parentOf } from './blocked-parents.js';
import type { WorkerTask } from './task.js';

/**
 * What earlier attempts listed, while a walk comes by it. What it does not come by is gone, or lies below a directory
 * that could not be listed now: either has to be recorded, or what the earlier listing promised would be missing.
 */
export class EarlierListings {
  readonly #left: Set<string>;
  readonly #again: ReadonlySet<string>;
  readonly #failed = new Set<string>();

  /** @param before owned from here on */
  constructor({ listed, again }: ListedBefore) {
    this.#left = listed;
    this.#again = again;
  }

  /** The walk comes by a directory. Returns whether it need not be listed again. */
  reach(path: string): boolean {
    return this.#left.delete(path) && !this.#again.has(path);
  }

  /** They could not be listed: what lies below them stays unknown. */
  fail(paths: readonly string[]): void {
    if (this.#left.size > 0) for (const path of paths) this.#failed.add(path);
  }

  /** The topmost of those that no walk has come by, and that no failure above them explains. */
  unreached(): string[] {
    return [...this.#left].filter((path) => !this.#left.has(parentOf(path)) && !this.#isBelowFailed(path));
  }

  #isBelowFailed(path: string): boolean {
    if (this.#failed.size === 0) return false;
    for (let up = parentOf(path); up.length > 1; up = parentOf(up)) if (this.#failed.has(up)) return true;
    return this.#failed.has('/');
  }
}

export interface ListedBefore {
  /** Directories that earlier attempts of a chunk listed completely, paths as in walk/names.ts. */
  listed: Set<string>;
  /** Those of them that have to be listed again: the newest attempt could not, or something in them was not to be had. */
  again: Set<string>;
}

/** Reads the journal of that chunk's writer only, up to `previous`, the last record that counts. */
export async function listedBefore(
  journalDir: string,
  { scan, writer, previous }: Pick<WorkerTask, 'scan' | 'writer' | 'previous'>,
): Promise<ListedBefore> {
  const found = new ListedDirectories();
  if (previous === null) return found;
  for await (const batch of readWriter({ journalDir, scan, writer }, previous)) {
    for (const record of batch) {
      if (record.record.epoch > previous.epoch) return found;
      found.push(record);
    }
  }
  return found;
}

/** Folds records into the directories that have a complete listing. */
class ListedDirectories implements ListedBefore {
  readonly listed = new Set<string>();
  readonly again = new Set<string>();
  #attempt = 0;
  /** The part that must come next, of directories whose listing has not ended; and whether its entries were to be had. */
  readonly #open = new Map<string, { part: number; isWhole: boolean }>();

  push({ record }: ReadRecord): void {
    // An older program may have written it: the payload comes in today's version.
    const event = decodeEvent(record);
    if (event?.type !== 'files.batch') return;
    const { attempt, directories } = event.data;
    if (attempt !== this.#attempt) this.#open.clear();
    this.#attempt = attempt;
    for (const directory of directories) this.#directory(directory);
  }

  #directory({ path, part, last, problems }: ListedDirectory): void {
    const name = nameFromJournal(path);
    const before = part === 1 ? { part, isWhole: true } : this.#open.get(name);
    this.#open.delete(name);
    if (before?.part !== part) return;
    // It went with its mount, most likely.
    const isWhole = before.isWhole && !problems.some(({ code }) => MOUNT_TROUBLE_CODES.has(code));
    if (!last) this.#open.set(name, { part: part + 1, isWhole });
    if (last) this.listed.add(name);
    if (last && isWhole) this.again.delete(name);
    // A later attempt could not enter it: what lies below it may be missing.
    else if (this.listed.has(name)) this.again.add(name);
  }
}
