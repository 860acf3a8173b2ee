import { JournalError } from './errors.js';
import { EVENT_VERSIONS, FORMAT, isEventType } from './event-versions.js';
import type { EventData, JournalEvent } from './events/index.js';
import { upcast } from './events/upcast.js';
import { indexFiles } from './files-index.js';
import type { RawRecord } from './record.js';

/**
 * The event of a verified record, raised to this program's version of it. Its payload is trusted: the
 * checksum proves that it is what its writer wrote, and writers check before they write.
 * @returns null for a type this program does not know
 * @throws JournalError `newer-version` when its payload, or the segment that it opens, is newer than this program
 */
export function decodeEvent(record: RawRecord): JournalEvent | null {
  const { type, v } = record;
  if (!isEventType(type)) return null;
  const newest = EVENT_VERSIONS[type];
  if (v > newest) {
    throw newerVersion(record, 'version', v, newest);
  }
  const data = v === newest ? currentData(type, record) : upcast(type, v, record.json());
  if (type === 'segment.opened') refuseNewerFormat(record, data as EventData<'segment.opened'>);
  return { type, data } as JournalEvent;
}

function currentData(type: string, record: RawRecord): unknown {
  const indexed = type === 'files.batch' ? indexFiles(record.dataBytes) : null;
  return indexed ?? record.json();
}

/** Nothing else of such a segment can be trusted to mean what it seems to. */
function refuseNewerFormat(record: RawRecord, { format }: EventData<'segment.opened'>): void {
  if (format > FORMAT) throw newerVersion(record, 'format', format, FORMAT);
}

function newerVersion(
  record: RawRecord,
  what: 'version' | 'format',
  is: number,
  known: number,
): JournalError {
  const { scan, writer, epoch, seq, type } = record;
  return new JournalError(
    'newer-version',
    `${scan}/${writer}, record ${epoch}/${seq}: ${type} has ${what} ${is}; this program knows up to ${known}`,
    { hint: 'Read this journal with the program that wrote it, or a newer one.' },
  );
}
