import type { JournalEvent } from '../../journal/events/index.js';
import type { RecordHeader } from '../../journal/record.js';

/** Sees every record of the scan as it becomes durable: the coordinator's, and those of its workers. */
export interface RecordObserver {
  recorded(event: JournalEvent, header: Pick<RecordHeader, 'at' | 'writer' | 'seq' | 'epoch'>): void;
}
