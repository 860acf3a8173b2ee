import { setTimeout as sleep } from 'node:timers/promises';
import { STUCK } from '../engine/kill.js';
import { stuckExit } from '../engine/last-word.js';
import { EngineError, type Engine, type WorkerExit } from '../engine/port.js';

/** Before an engine that did not answer is asked again. */
const ASK_AGAIN_MS = 250;

export interface EndedWorker {
  engine: Engine;
  id: string;
  /** Why its exit is unknown; null: the engine can tell. */
  gone: string | null;
  /** It does not end even on SIGKILL. */
  isStuck: boolean;
  /** It is left to the next coordinator, which can become so at any await. */
  isLeft: () => boolean;
  engineLost: () => boolean;
}

/** How a worker ended, however long the engine is away before it can tell; null: it is left to the next coordinator. */
export async function exitOfWorker(worker: EndedWorker): Promise<WorkerExit | null> {
  const { engine, id, gone, isStuck, isLeft, engineLost } = worker;
  const unknown = { exitCode: null, signal: null, oomKilled: false, logTail: [] };
  while (!isLeft()) {
    if (gone !== null) return { ...unknown, error: gone };
    try {
      return isStuck ? stuckExit(await engine.logTail(id)) : await engine.exitOf(id);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (isStuck) return { ...unknown, error: STUCK }; // what holds it may hold the engine, too
      if (error.code !== 'unreachable') return { ...unknown, error: error.message };
    }
    do await sleep(ASK_AGAIN_MS);
    while (engineLost() && !isLeft());
  }
  return null;
}
