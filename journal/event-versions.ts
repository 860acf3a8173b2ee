import type { EventType } from './events/index.js';

/**
 * Every event type with the newest version of its payload that this program knows. Apart from the schemas,
 * so that who only reads or writes does not load them.
 */
export const EVENT_VERSIONS: Readonly<Record<EventType, number>> = {
  'scan.started': 1,
  'scan.resumed': 1,
  'scan.paused': 1,
  'scan.continued': 1,
  'scan.interrupted': 1,
  'scan.completed': 1,
  'preflight.checked': 1,
  'catalog.opened': 1,
  'catalog.troubled': 1,
  'catalog.recovered': 1,
  'catalog.awaited': 1,
  'analysis.started': 1,
  'analysis.finished': 1,
  'chunk.planned': 1,
  'plan.finished': 1,
  'chunk.split': 1,
  'chunk.completed': 1,
  'chunk.failed': 1,
  'worker.tuned': 1,
  'container.requested': 1,
  'container.started': 1,
  'container.adopted': 1,
  'container.start-failed': 1,
  'container.exited': 1,
  'container.removed': 1,
  'process.requested': 1,
  'process.started': 1,
  'process.start-failed': 1,
  'process.exited': 1,
  'process.removed': 1,
  'health.checked': 1,
  'stall.detected': 1,
  'docker.lost': 1,
  'docker.regained': 1,
  'segment.opened': 1,
  'segment.sealed': 1,
  'writer.progressed': 1,
  'writer.settled': 1,
  'writer.paused': 1,
  'writer.continued': 1,
  'journal.repaired': 1,
  'cleanup.started': 1,
  'catalog.imported': 1,
  'files.batch': 1,
  'digest.progressed': 1,
  'walk.tuned': 1,
  'chunk.scanned': 1,
  'chunk.yielded': 1,
};

/** The newest format of a segment that this program reads, and the one that it writes: `segment.opened` says it. */
export const FORMAT = 1;

/** Whether this program knows the event at all, in whichever version. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_VERSIONS, type);
}

const BOOKKEEPING: ReadonlySet<string> = new Set(['segment.opened', 'segment.sealed', 'journal.repaired']);

/** Whether an event is about the journal's own files: a repair writes it long after the scan, of which it says nothing. */
export function isBookkeeping(type: string): boolean {
  return BOOKKEEPING.has(type);
}
