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
    if (writer !== this.#writer) {
      this.#writer = writer;
      this.#state = { attempt: 0, newEpoch: null };
    }
    const state = this.#state;
    if (event.type === 'segment.opened') {
      if (epoch > 1 && event.data.segment === 1)
        state.newEpoch = evidenceOf(`a new epoch of ${writer} began after a failed write`);
      return;
    }
    const chunk = chunkOfWriter(writer);
    const attempt = chunk === null ? 0 : attemptOf(event);
    if (attempt === null) return;
    const sameWork = chunk === null ? event.type !== 'scan.resumed' : attempt === state.attempt;
    if (state.newEpoch !== null && sameWork) {
      this.#incidents.add('journal.write-failed', {
        evidence: state.newEpoch,
        ...(chunk === null ? {} : { chunk }),
      });
    }
    state.newEpoch = null;
    state.attempt = attempt;
  }
}

function attemptOf(event: JournalEvent): number | null {
  return event.type === 'files.batch' || event.type === 'chunk.scanned' || event.type === 'chunk.yielded'
    ? event.data.attempt
    : null;
}
