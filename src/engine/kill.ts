import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from './port.js';

/** A worker ends at once on SIGKILL, unless a process of it is stuck in the kernel. */
const KILL_WAIT_MS = 5000;
const POLL_MS = 50;

/** What is told of one that does not; the diagnosis knows these words. */
export const STUCK = 'it did not end on SIGKILL: it is stuck in the kernel';

/** Resolves with whether the worker has ended. @throws EngineError */
export async function killWorker(
  engine: Engine,
  { id, scan }: { id: string; scan: string },
): Promise<boolean> {
  await engine.signal(id, 'SIGKILL');
  const deadlineMs = performance.now() + KILL_WAIT_MS;
  for (;;) {
    const seen = (await engine.list(scan)).find((worker) => worker.id === id);
    if (seen?.phase !== 'running') return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(POLL_MS);
  }
}
