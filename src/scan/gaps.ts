import type { PathText } from '../../journal/events/index.js';
import type { ProgressBook } from './progress-book.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';
import { chunkCounts } from './state.js';
import { gapsOfScan } from './tally.js';

/**
 * Takes up chunks again that hold a directory whose listing names subdirectories of which nothing was recorded, nor why: they
 * may have been deleted before any chunk had them. Their next attempt lists such directories again.
 * @returns whether there are any. Only where every chunk is done: one that is not may well have them.
 */
export async function reopenGaps(
  journal: ScanJournal,
  settings: ScanSettings,
  progress: ProgressBook,
): Promise<boolean> {
  const { planned, completed } = chunkCounts(journal.state);
  if (completed < planned || progress.partialCounts().coverageProven) return false;
  const again = new Map<number, PathText[]>();
  for (const { chunk, path } of await gapsOfScan(settings))
    again.set(chunk, [...(again.get(chunk) ?? []), path]);
  let isReopened = false;
  for (const [id, paths] of again) {
    const chunk = journal.state.chunks.get(id);
    if (chunk?.status !== 'completed') continue;
    const reason = 'subdirectories that its listings name never appeared';
    await journal.append('chunk.failed', { chunk: id, attempt: chunk.attempts, reason, willRetry: true });
    await progress.close(id, null);
    progress.of(id).again = paths;
    isReopened = true;
  }
  return isReopened;
}
