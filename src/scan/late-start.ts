import { setTimeout as sleep } from 'node:timers/promises';
import { killWorker } from '../engine/kill.js';
import { EngineError, type Engine, type Launch, type LaunchPlan, type LateStart } from '../engine/port.js';
import type { ScanJournal } from './scan-journal.js';

/** Between two looks at whether the start has come to something. */
const LOOK_MS = 100;

/** A start that failed; `late` where it may come to something yet. */
export interface FailedStart {
  error: unknown;
  late: LateStart | null;
}

export async function startWorker(
  engine: Engine,
  launch: Launch,
  plan: LaunchPlan,
  timeoutMs: number,
): Promise<{ id: string } | FailedStart> {
  let late: LateStart | null = null;
  try {
    return await engine.start(launch, plan, timeoutMs, (start) => {
      late = start;
    });
  } catch (error) {
    return { error, late };
  }
}

interface LateContext {
  journal: ScanJournal;
  engine: Engine;
  scan: string;
  /** The scan is told to stop: what comes late is for the next run. */
  isStopping: () => boolean;
}

/**
 * Waits until a start that was given up has come to nothing, or ends what it has come to: the next attempt writes to the
 * same folder, and a writer is never two.
 */
export async function endLate(
  { journal, engine, scan, isStopping }: LateContext,
  late: LateStart,
  attempt: { chunk: number; attempt: number; name: string },
): Promise<void> {
  const settled: { started?: { id: string } | null } = {};
  void late.then((started) => (settled.started = started));
  while (settled.started === undefined && !isStopping()) await sleep(LOOK_MS);
  const { started = null } = settled;
  if (started === null) return;
  const { id } = started;
  try {
    if (!(await killWorker(engine, { id, scan }))) return; // a later look at the engine's list sweeps it
    const { exitCode, oomKilled, error, logTail } = await engine.exitOf(id);
    await journal.append(`${engine.subject}.exited`, { ...attempt, id, exitCode, oomKilled, error, logTail });
    await engine.remove(id);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return; // it does not answer, or somebody else has removed it: a later look at its list tells
  }
  await journal.append(`${engine.subject}.removed`, { name: attempt.name, id });
}
