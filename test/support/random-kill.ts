import { setTimeout as sleep } from 'node:timers/promises';
import { followWriter, judgeJournal, startWriter, withFolder } from './journal-faults.js';

/** Kills a writer so many milliseconds after its first record. Says what is wrong then; null: nothing. */
export function killAtRandom(afterMs: number): Promise<string | null> {
  return withFolder(async (folder) => {
    const child = startWriter(folder, { groups: 5000, perGroup: 3, inject: null });
    const heard = { count: 0 };
    const ended = followWriter(child, (acknowledged) => (heard.count = acknowledged));
    while (heard.count === 0 && child.exitCode === null) await sleep(2);
    await sleep(afterMs);
    child.kill('SIGKILL');
    const written = await ended;
    if (written.done) return 'it was done before it could be killed';
    const wrong = await judgeJournal(folder, written.acknowledged);
    return wrong === null
      ? null
      : `killed after ${afterMs} ms, ${written.acknowledged.length} acknowledged: ${wrong}`;
  });
}
