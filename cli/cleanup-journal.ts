import { ownerFromEnvironment } from '../journal/owner.js';
import { isCoordinatorWhole } from '../journal/repair.js';
import { COORDINATOR } from '../journal/segments.js';
import { endOfWriter } from '../journal/settle.js';
import { validateEvent } from '../journal/validate.js';
import { JournalWriter } from '../journal/writer.js';
import { readState } from '../src/scan/history.js';
import { ScanJournal } from '../src/scan/scan-journal.js';
import { describeHost } from './scan-setup.js';

/**
 * Opens the next epoch of a dead scan's coordinator, to tell how its containers ended. The data directory is ours
 * alone meanwhile.
 * @returns null where the coordinator's journal is not here or not whole: a new epoch would take records out of the count
 * @throws JournalError when it cannot be written
 */
export async function openDeadScan(
  journalDir: string,
  scan: string,
  containers: number,
): Promise<ScanJournal | null> {
  const { last: previous, nextEpoch: epoch } = await endOfWriter(journalDir, scan, COORDINATOR);
  if (previous === null || !(await isCoordinatorWhole(journalDir, scan))) return null;
  const state = await readState(journalDir, scan);
  const writer = await JournalWriter.open({
    journalDir,
    scan,
    writer: COORDINATOR,
    hostname: describeHost().hostname,
    epoch,
    previous,
    coordinator: null,
    owner: ownerFromEnvironment(),
    validate: validateEvent,
  });
  const journal = new ScanJournal(writer, state, { recorded: () => undefined });
  await journal.append('cleanup.started', { containers });
  return journal;
}
