import { EVENT_VERSIONS, isEventType } from './event-versions.js';
import type { CoordinatorRef, EventData, RecordRef, WriterPosition } from './events/index.js';
import type { Run, Testimony } from './pieces.js';
import type { RawRecord } from './record.js';

/**
 * What a record says about others; null for most. Recovery hears these before anything is upcast, and hears only what
 * it understands: a newer version of them, or a payload that is none, says nothing.
 */
export function testimonyOf(record: RawRecord, fromByte: number): Testimony | null {
  const { seq, type } = record;
  if (type === 'segment.opened') {
    const opening = openingIn(record);
    if (opening === null) return null;
    const { segment, previous, coordinator } = opening;
    return { kind: 'opened', seq, fromByte, segment, previous, coordinator };
  }
  if (type !== 'writer.progressed' && type !== 'writer.settled') return null;
  const position = payloadOf(record) as Partial<WriterPosition> | null;
  if (!isReference(position) || typeof position.writer !== 'string' || !isCount(position.bytes)) return null;
  const kind = type === 'writer.settled' ? 'settled' : 'progressed';
  return { kind, seq, fromByte, position: position as WriterPosition };
}

/** Gathers what the records of a file say, in memory that does not grow with how often they say it. */
export class Testimonies {
  readonly #all = new Set<Testimony>();
  #run: Run | null = null;
  /** By the file they are about: words of the run in hand that no later one has made needless. */
  readonly #latest = new Map<string, { said: Testimony; upTo: number }[]>();

  add(said: Testimony, run: Run): void {
    this.#all.add(said);
    if (run !== this.#run) this.#latest.clear();
    this.#run = run;
    if (said.kind !== 'progressed') return;
    const { writer, epoch, segment } = said.position;
    const about = `${writer}/${epoch}/${segment}`;
    const latest = this.#latest.get(about) ?? [];
    this.#latest.set(about, latest);
    latest.push({ said, upTo: said.position.seq });
    // A later word says all that an earlier one did, once it is on disk for certain: before, it may come not to count.
    for (
      let [first, second] = latest;
      first !== undefined && second !== undefined;
      [first, second] = latest
    ) {
      if (second.said.seq > run.durable || second.upTo < first.upTo) return;
      this.#all.delete(first.said);
      latest.shift();
    }
  }

  /** In the order of the bytes. */
  list(): Testimony[] {
    return [...this.#all];
  }
}

/** What a segment's first record says; null where that cannot be understood. */
export function openingIn(record: RawRecord): EventData<'segment.opened'> | null {
  const data = payloadOf(record) as Partial<EventData<'segment.opened'>> | null;
  if (data === null || !isCount(data.segment)) return null;
  const { previous = null, coordinator = null } = data;
  if (previous !== null && !isReference(previous)) return null;
  if (coordinator !== null && !(isCount(coordinator.epoch) && isCount(coordinator.seq))) return null;
  return { ...(data as EventData<'segment.opened'>), previous, coordinator };
}

/** A seal's sums; null where they cannot be understood. */
export function sealOf(record: RawRecord): EventData<'segment.sealed'> | null {
  const data = payloadOf(record) as Partial<EventData<'segment.sealed'>> | null;
  if (data === null || !isCount(data.bytes) || !isCount(data.records)) return null;
  return data as EventData<'segment.sealed'>;
}

function isReference(value: object | null): value is RecordRef & CoordinatorRef {
  const { epoch, segment, seq } = (value ?? {}) as Partial<RecordRef>;
  return isCount(epoch) && isCount(segment) && isCount(seq);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The payload, or null where its author wrote something else under this name, or is a newer program. */
function payloadOf(record: RawRecord): object | null {
  const { type, v } = record;
  if (!isEventType(type) || v > EVENT_VERSIONS[type]) return null;
  try {
    const data = record.json();
    return typeof data === 'object' && data !== null ? data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
