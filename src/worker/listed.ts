import type { EventData } from '../../journal/events/index.js';
import type { ReadRecord } from '../../journal/reader.js';
import { WriterTail } from '../../journal/tail.js';
import { nameFromJournal } from '../walk/names.js';
import type { WorkerTask } from './task.js';

/**
 * Directories that earlier attempts of this chunk listed completely, paths as in walk/names.ts. Reads the worker's
 * own journal only, up to the record that its task names as the last one that counts.
 */
export async function listedBefore(journalDir: string, task: WorkerTask): Promise<ReadonlySet<string>> {
  const { scan, writer, previous } = task;
  const listed = new ListedDirectories();
  if (previous === null) return listed.paths;
  const tail = new WriterTail({ journalDir, scan, writer, hash: false });
  tail.settle(previous);
  try {
    for (let records = await tail.poll('valid'); records.length > 0; records = await tail.poll('valid')) {
      for (const record of records) {
        if (record.record.epoch > previous.epoch) return listed.paths;
        listed.push(record);
      }
    }
  } finally {
    await tail.close();
  }
  return listed.paths;
}

/** Folds records into the set of directories whose listing ended. */
class ListedDirectories {
  readonly paths = new Set<string>();
  #attempt = 0;
  /** The part that must come next, of directories whose listing has not ended. */
  readonly #open = new Map<string, number>();

  push({ record }: ReadRecord): void {
    if (record.type !== 'files.batch') return;
    const { attempt, directories } = record.json() as EventData<'files.batch'>;
    if (attempt !== this.#attempt) this.#open.clear();
    this.#attempt = attempt;
    for (const { path, part, last } of directories) {
      const name = nameFromJournal(path);
      const inOrder = part === 1 || part === this.#open.get(name);
      this.#open.delete(name);
      if (!inOrder) continue;
      if (last) this.paths.add(name);
      else this.#open.set(name, part + 1);
    }
  }
}
