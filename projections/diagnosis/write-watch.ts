import type { JournalEvent } from '../../journal/events/index.js';
import { chunkOfWriter } from '../../journal/segments.js';
import type { IncidentBook } from './incidents.js';
import type { Evidence } from './types.js';

/** First words of who opens a coordinator's next epoch of his own accord. */
export const OPENS_EPOCH: ReadonlySet<string> = new Set<JournalEvent['type']>([
  'scan.resumed',
  'journal.repaired',
  'cleanup.started',
]);

interface WriterState {
  /** The last one that recorded something; the first needs no new epoch. */
  attempt: number;
  /** Epochs whose reason is not known yet. */
  newEpochs: Evidence[];
}

/**
 * Finds epochs that began because a write failed: those that neither a new attempt nor a new coordinator explains.
 */
export class WriteWatch {
  readonly #incidents: IncidentBook;
  #writer = '';
  #state: WriterState = { attempt: 1, newEpochs: [] };

  constructor(incidents: IncidentBook) {
    this.#incidents = incidents;
  }

  /** Takes the records of one writer after the other, each in order. */
  push(event: JournalEvent, writer: string, epoch: number, evidenceOf: (text: string) => Evidence): void {
    const state = this.#of(writer);
    if (event.type === 'segment.opened') {
      if (epoch > 1 && event.data.segment === 1)
        state.newEpochs.push(evidenceOf(`a new epoch of ${writer} began after a failed write`));
      return;
    }
    const chunk = chunkOfWriter(writer);
    if (chunk === null) {
      // However many coordinators, repairs or cleanups there were that ended before their first word.
      if (OPENS_EPOCH.has(event.type)) state.newEpochs = [];
      this.#failed(state, chunk, state.newEpochs.length);
      return;
    }
    const attempt = attemptOf(event);
    if (attempt !== null) this.#worked(state, chunk, attempt);
  }

  /** The same for what a worker listed in one of its attempts. */
  pushListed(writer: string, attempt: number): void {
    const chunk = chunkOfWriter(writer);
    if (chunk !== null) this.#worked(this.#of(writer), chunk, attempt);
  }

  #of(writer: string): WriterState {
    if (writer !== this.#writer) {
      this.#writer = writer;
      this.#state = { attempt: 1, newEpochs: [] };
    }
    return this.#state;
  }

  /** Each attempt since the last one has begun one epoch at the most. */
  #worked(state: WriterState, chunk: number, attempt: number): void {
    const explained = Math.max(0, attempt - state.attempt);
    this.#failed(state, chunk, state.newEpochs.length - explained);
    state.attempt = attempt;
  }

  /** @param count of the last epochs, that began because a write failed */
  #failed(state: WriterState, chunk: number | null, count: number): void {
    if (state.newEpochs.length === 0) return;
    for (const evidence of count > 0 ? state.newEpochs.slice(-count) : [])
      this.#incidents.add('journal.write-failed', { evidence, ...(chunk === null ? {} : { chunk }) });
    state.newEpochs = [];
  }
}

function attemptOf(event: JournalEvent): number | null {
  return event.type === 'files.batch' || event.type === 'chunk.scanned' || event.type === 'chunk.yielded'
    ? event.data.attempt
    : null;
}
