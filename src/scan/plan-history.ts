import { decodeEvent } from '../../journal/decode-event.js';
import type { JournalEvent } from '../../journal/events/index.js';
import { readWriter } from '../../journal/read-writer.js';
import { COORDINATOR } from '../../journal/segments.js';
import type { DirectoryHistory, PlanHistory } from '../plan/options.js';
import { nameFromJournal } from '../walk/names.js';

/** What was measured faster than this is measured again: the truth of now costs no more than the memory of it. */
const WORTH_KNOWING_SECONDS = 1;

/** Folds what a scan's coordinator learned of directories: by analysis, or because one was a chunk by itself. */
export class LearnedDirectories implements PlanHistory {
  readonly #known = new Map<string, DirectoryHistory>();
  /** Chunks of one whole directory, with the time their attempt was requested. */
  readonly #single = new Map<number, { path: string; requestedAtMs: number }>();

  push(event: JournalEvent, atMs: number): void {
    switch (event.type) {
      case 'analysis.finished': {
        const { directory, outcome, files, bytes, seconds } = event.data;
        if (outcome === 'sized')
          this.#known.set(nameFromJournal(directory), { files, bytes: Number(bytes), seconds });
        break;
      }
      case 'chunk.planned': {
        const [root, ...others] = event.data.roots;
        if (root?.scope !== 'subtree' || others.length > 0) break;
        this.#single.set(event.data.chunk, { path: nameFromJournal(root.path), requestedAtMs: atMs });
        break;
      }
      case 'container.requested':
      case 'process.requested': {
        const single = this.#single.get(event.data.chunk);
        if (single !== undefined) single.requestedAtMs = atMs;
        break;
      }
      case 'chunk.split':
        this.#single.delete(event.data.chunk); // its totals are a part of the directory only
        break;
      case 'chunk.completed': {
        const single = this.#single.get(event.data.chunk);
        if (single === undefined) break;
        const seconds = Math.max(0, (atMs - single.requestedAtMs) / 1000);
        this.#known.set(single.path, { files: event.data.files, bytes: Number(event.data.bytes), seconds });
        break;
      }
      default:
    }
  }

  of(path: string): DirectoryHistory | undefined {
    const known = this.#known.get(path);
    return known === undefined || known.seconds < WORTH_KNOWING_SECONDS ? undefined : known;
  }
}

/** What an earlier scan learned, read from its coordinator's journal. */
export async function readLearned(journalDir: string, scan: string): Promise<LearnedDirectories> {
  const learned = new LearnedDirectories();
  for await (const batch of readWriter({ journalDir, scan, writer: COORDINATOR })) {
    for (const { record } of batch) {
      const event = decodeEvent(record);
      if (event !== null) learned.push(event, Date.parse(record.at));
    }
  }
  return learned;
}
