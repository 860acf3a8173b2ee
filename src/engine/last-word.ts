import { STUCK } from './kill.js';
import type { WorkerExit } from './port.js';

/** The last line of a worker that has done its work: its container cannot end while a process of it hangs in the kernel. */
export const LAST_WORD = 'ended with exit code 0';

/** How a worker ended whose container does not end even on SIGKILL: by its own word, else unknown. */
export function stuckExit(logTail: string[]): WorkerExit {
  const exitCode = logTail.includes(LAST_WORD) ? 0 : null;
  return { exitCode, signal: null, oomKilled: false, error: STUCK, logTail };
}
