import { recoverScan } from '../../journal/recovery.js';
import { chunkOfWriter } from '../../journal/segments.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';

/** Takes up completed chunks again whose records were damaged or lost since: their next attempt lists what is missing. */
export async function reopenDamaged(journal: ScanJournal, settings: ScanSettings): Promise<void> {
  if (![...journal.state.chunks.values()].some((chunk) => chunk.status === 'completed')) return;
  const { sound, segments } = await recoverScan(settings.journalDir, settings.scan);
  if (sound) return;
  const bad = segments.filter(({ state }) => state === 'damaged' || state === 'lost');
  for (const id of new Set(bad.map(({ writer }) => chunkOfWriter(writer)))) {
    const chunk = id === null ? undefined : journal.state.chunks.get(id);
    if (chunk?.status !== 'completed') continue;
    const reason = 'some of its records in the journal are damaged or lost';
    await journal.append('chunk.failed', {
      chunk: chunk.id,
      attempt: chunk.attempts,
      reason,
      willRetry: true,
    });
  }
}
