import type { JournalEvent } from '../../journal/events/index.js';
import { chunkOfWriter } from '../../journal/segments.js';
import type { IncidentBook } from './incidents.js';
import type { Evidence } from './types.js';

interface WriterState {
  attempt: number;
  /** Evidence of a new epoch whose reason is not known yet. */
  newEpoch: Evidence | null;
}

/**
 * Finds epochs that began because a write failed: those that neither a new attempt nor a new coordinator explains.
 */
export class WriteWatch {
  readonly #incidents: IncidentBook;
  #writer = '';
  #state: WriterState = { attempt: 0, newEpoch: null };

  constructor(incidents: IncidentBook) {
    this.#incidents = incidents;
  }

  /** Takes the records of one writer after the other, each in order. */
  push(event: JournalEvent, writer: string, epoch: number, evidenceOf: (text: string) => Evidence): void {
    const state = this.#of(writer);
    if (event.type === 'segment.opened') {
      if (epoch > 1 && event.data.segment === 1)
        state.newEpoch = evidenceOf(`a new epoch of ${writer} began after a failed write`);
      return;
    }
    const chunk = chunkOfWriter(writer);
    const attempt = chunk === null ? 0 : attemptOf(event);
    if (attempt === null) return;
    const sameWork = chunk === null ? event.type !== 'scan.resumed' : attempt === state.attempt;
    this.#worked(state, { chunk, attempt, sameWork });
  }

  /** The same for what a worker listed in one of its attempts. */
  pushListed(writer: string, attempt: number): void {
    const state = this.#of(writer);
    this.#worked(state, { chunk: chunkOfWriter(writer), attempt, sameWork: attempt === state.attempt });
  }

  #of(writer: string): WriterState {
    if (writer !== this.#writer) {
      this.#writer = writer;
      this.#state = { attempt: 0, newEpoch: null };
    }
    return this.#state;
  }

  #worked(state: WriterState, work: { chunk: number | null; attempt: number; sameWork: boolean }): void {
    if (state.newEpoch !== null && work.sameWork) {
      this.#incidents.add('journal.write-failed', {
        evidence: state.newEpoch,
        ...(work.chunk === null ? {} : { chunk: work.chunk }),
      });
    }
    state.newEpoch = null;
    state.attempt = work.attempt;
  }
}

function attemptOf(event: JournalEvent): number | null {
  return event.type === 'files.batch' || event.type === 'chunk.scanned' || event.type === 'chunk.yielded'
    ? event.data.attempt
    : null;
}
