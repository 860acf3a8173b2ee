import { killWorker, STUCK } from '../engine/kill.js';
import { EngineError, type Engine, type SeenWorker } from '../engine/port.js';
import type { ScanJournal } from './scan-journal.js';

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
  if (runs && !(await killWorker(engine, worker))) throw new EngineError('failed', STUCK);
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
