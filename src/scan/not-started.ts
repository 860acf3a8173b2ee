import { NOT_TRIED } from '../../journal/events/attempt.js';
import type { Engine } from '../engine/port.js';
import type { ScanJournal } from './scan-journal.js';

/** Why a worker was requested and no start of it was tried: nothing failed. */
export const NOT_STARTED = {
  stopped: { reason: NOT_TRIED.stopped, detail: 'the scan was stopped before it was started' },
  coordinatorGone: {
    reason: NOT_TRIED.coordinatorGone,
    detail: 'its coordinator ended before it was started',
  },
} as const;

/**
 * Tells of workers whose coordinator died between the request and the start.
 * @param isTakenOver whether a chunk's worker was found all the same
 */
export async function tellNotStarted(
  journal: ScanJournal,
  { subject }: Engine,
  isTakenOver: (chunk: number) => boolean,
): Promise<void> {
  for (const { id: chunk, attempts: attempt, requested: name } of [...journal.state.chunks.values()]) {
    if (name === null || isTakenOver(chunk)) continue;
    const which = { chunk, attempt, name };
    await journal.append(`${subject}.start-failed`, { ...which, ...NOT_STARTED.coordinatorGone });
  }
}
