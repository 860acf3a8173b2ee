import { JournalError } from './errors.js';
import { EVENT_VERSIONS, isEventType } from './event-versions.js';
import type { JournalEvent } from './events/index.js';
import { upcast } from './events/upcast.js';
import { indexFiles } from './files-index.js';
import type { RawRecord } from './record.js';

/**
 * The event of a verified record, raised to this program's version of it. Its payload is trusted: the
 * checksum proves that it is what its writer wrote, and writers check before they write.
 * @returns null for a type this program does not know
 * @throws JournalError `newer-version` when its payload is newer than this program
 */
export function decodeEvent(record: RawRecord): JournalEvent | null {
  const { type, v } = record;
  if (!isEventType(type)) return null;
  const newest = EVENT_VERSIONS[type];
  if (v > newest) {
    throw new JournalError(
      'newer-version',
      `${record.scan}/${record.writer}, record ${record.epoch}/${record.seq}: ${type} has version ${v}; this program knows up to ${newest}`,
      { hint: 'Read this journal with the program that wrote it, or a newer one.' },
    );
  }
  const data = v === newest ? currentData(type, record) : upcast(type, v, record.json());
  return { type, data } as JournalEvent;
}

function currentData(type: string, record: RawRecord): unknown {
  const indexed = type === 'files.batch' ? indexFiles(record.dataBytes) : null;
  return indexed ?? record.json();
}
