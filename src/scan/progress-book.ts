import type { EventData } from '../../journal/events/index.js';
import { CountedDirectories } from './counted.js';
import { completeScan } from './decide.js';
import { partialCounts, type PartialCounts } from './partial-counts.js';
import type { RecordObserver } from './observer.js';
import { ChunkProgress } from './progress.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';
import { chunkCounts } from './state.js';
import { tallyOfScan } from './tally.js';

export interface ProgressBookOptions {
  journal: ScanJournal;
  settings: ScanSettings;
  observer: RecordObserver;
  /** Lets work run beside the loop; its error ends the scan. */
  track: (work: Promise<void>) => void;
}

/** What the workers' journals prove so far, by chunk. */
export class ProgressBook {
  readonly #options: ProgressBookOptions;
  readonly #chunks = new Map<number, ChunkProgress>();
  readonly #counted = new CountedDirectories();

  constructor(options: ProgressBookOptions) {
    this.#options = options;
  }

  of(chunk: number): ChunkProgress {
    const known = this.#chunks.get(chunk);
    if (known !== undefined) return known;
    const recorded: RecordObserver['recorded'] = (event, header) => this.#recorded(event, header);
    const made = new ChunkProgress(this.#options.settings, { chunk, counted: this.#counted }, { recorded });
    this.#chunks.set(chunk, made);
    return made;
  }

  /** What a worker found best by measuring stands in the coordinator's own journal, too. */
  #recorded(...[event, header]: Parameters<RecordObserver['recorded']>): void {
    const { journal, observer, track } = this.#options;
    observer.recorded(event, header);
    if (event.type !== 'walk.tuned') return;
    const { chunk, directoriesAtOnce } = event.data;
    track(journal.append('worker.tuned', { chunk, directoriesAtOnce }));
  }

  /**
   * Reads to the end what attempts of an earlier coordinator recorded, and says how far it counts.
   * @param attempt the one whose container is gone, null where there is none
   */
  async close(chunk: number, attempt: number | null): Promise<void> {
    const { journal } = this.#options;
    const progress = this.of(chunk);
    await progress.readToEnd();
    if (progress.position !== null && (attempt !== null || !progress.sealed))
      await journal.append('writer.settled', progress.position);
    if (attempt === null) return;
    const reason = 'its container was removed while no coordinator ran';
    await journal.append('chunk.failed', { chunk, attempt, reason, willRetry: true });
  }

  /** Directories that workers have listed completely, as far as their records were seen. */
  get directoriesListed(): number {
    let listed = 0;
    for (const { ledger } of this.#chunks.values()) listed += ledger.totals.directories;
    return listed;
  }

  /** Sums suffice where they add up; else every directory is looked at by itself. */
  async lastWord(): Promise<EventData<'scan.completed'>> {
    const { journal, settings } = this.#options;
    const { planned, completed } = chunkCounts(journal.state);
    const { totals, coverageProven, isExact } = this.partialCounts();
    if (isExact && (coverageProven || completed < planned))
      return completeScan(journal.state, totals, coverageProven);
    const tally = await tallyOfScan(settings);
    return completeScan(journal.state, totals, tally.gaps().size === 0, tally.totals);
  }

  /** What chunks hold that did not complete, and whether every directory that a listing names was entered. */
  partialCounts(): PartialCounts {
    const chunks = this.#options.journal.state.chunks.values();
    return partialCounts(chunks, (id) => this.#chunks.get(id)?.ledger);
  }
}
