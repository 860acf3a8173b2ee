import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError, type Engine, type SeenWorker } from '../engine/port.js';
import type { ScanJournal } from './scan-journal.js';

/** A container ends at once on SIGKILL, unless a process of it is stuck in the kernel. */
const KILL_WAIT_MS = 5000;
const POLL_MS = 50;

/**
 * Removes a worker that nobody waits for, after its end is in the journal.
 * @param ended it was ended for that; else it had ended by itself, or is ended here
 * @throws EngineError when it does not end, or the engine does not answer: then it is still there
 */
export async function sweepWorker(
  { engine, journal }: { engine: Engine; journal: ScanJournal },
  worker: SeenWorker,
  ended = false,
): Promise<void> {
  const { id, name, chunk, attempt } = worker;
  const runs = worker.phase === 'running';
  if (runs) await kill(engine, worker);
  const isTold = journal.state.containers.get(id)?.exited === true;
  if (!isTold && worker.phase !== 'created') {
    const { exitCode, oomKilled, error, logTail, signal } = await engine.exitOf(id);
    await journal.append(`${engine.subject}.exited`, {
      ...{ chunk, attempt, name, id, exitCode, oomKilled, error, logTail },
      ...(signal === null ? {} : { signal }),
      ...(runs || ended ? { swept: true as const } : {}),
    });
  }
  await engine.remove(id);
  await journal.append(`${engine.subject}.removed`, { name, id });
}

async function kill(engine: Engine, { id, scan }: SeenWorker): Promise<void> {
  await engine.signal(id, 'SIGKILL');
  const deadlineMs = performance.now() + KILL_WAIT_MS;
  for (;;) {
    const seen = (await engine.list(scan)).find((worker) => worker.id === id);
    if (seen?.phase !== 'running') return;
    if (performance.now() > deadlineMs)
      throw new EngineError('failed', 'it did not end on SIGKILL: it is stuck in the kernel');
    await sleep(POLL_MS);
  }
}
