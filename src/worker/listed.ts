import { decodeEvent } from '../../journal/decode-event.js';
import { readWriter } from '../../journal/read-writer.js';
import type { ReadRecord } from '../../journal/reader.js';
import { nameFromJournal } from '../walk/names.js';
import type { WorkerTask } from './task.js';

/**
 * Directories that earlier attempts of a chunk listed completely, paths as in walk/names.ts. Reads that writer's
 * journal only, up to `previous`, the last record that counts.
 */
export async function listedBefore(
  journalDir: string,
  { scan, writer, previous }: Pick<WorkerTask, 'scan' | 'writer' | 'previous'>,
): Promise<ReadonlySet<string>> {
  const listed = new ListedDirectories();
  if (previous === null) return listed.paths;
  for await (const batch of readWriter({ journalDir, scan, writer }, previous)) {
    for (const record of batch) {
      if (record.record.epoch > previous.epoch) return listed.paths;
      listed.push(record);
    }
  }
  return listed.paths;
}

/** Folds records into the set of directories whose newest listing ended. */
class ListedDirectories {
  readonly paths = new Set<string>();
  #attempt = 0;
  /** The part that must come next, of directories whose listing has not ended. */
  readonly #open = new Map<string, number>();

  push({ record }: ReadRecord): void {
    // An older program may have written it: the payload comes in today's version.
    const event = decodeEvent(record);
    if (event?.type !== 'files.batch') return;
    const { attempt, directories } = event.data;
    if (attempt !== this.#attempt) this.#open.clear();
    this.#attempt = attempt;
    for (const { path, part, last } of directories) {
      const name = nameFromJournal(path);
      const inOrder = part === 1 || part === this.#open.get(name);
      this.#open.delete(name);
      if (!inOrder) continue;
      if (last) this.paths.add(name);
      else {
        this.#open.set(name, part + 1);
        this.paths.delete(name); // a later attempt could not enter it: what lies below it may be missing
      }
    }
  }
}
