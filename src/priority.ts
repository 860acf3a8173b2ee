import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { errnoName, messageOf } from '../journal/storage.js';
import { processStat } from './engine/process-stat.js';

const { PRIORITY_BELOW_NORMAL, PRIORITY_NORMAL } = constants.priority;
/** The kernel lets all who lack CAP_SYS_ADMIN change one group in 100 ms: workers that start together take turns. */
const TURN_MS = 100;
/** Enough for the workers of a big host. */
const TURNS_MAX = 200;

/**
 * Lower CPU priority of this process; the kernel derives the priority of disk accesses from it where nobody has set one
 * (there is no way to `ioprio_set` without native code).
 * @param log takes a line where that is not possible; the work goes on as it is
 */
export function lowerPriority(log: (line: string) => void): void {
  setPriorities('self', PRIORITY_BELOW_NORMAL, (error) => {
    log(`priority not lowered: ${messageOf(error)}`);
  });
}

/**
 * For a process that is to end: where others keep all CPUs busy, low priority would let it take many seconds over that.
 * As far as possible: only root may raise the priority of threads, everybody that of their session.
 */
export function restorePriority(pid: string): void {
  setPriorities(pid, PRIORITY_NORMAL, () => undefined); // it takes longer then, and no harm is done
}

/**
 * Linux keeps priorities by thread: those that run already are told one by one, later ones and children inherit it.
 * Most kernels share CPUs out among sessions first (sched(7), "The autogroup feature"), and heed the priorities of threads
 * only within one: a worker, which has a session of its own, would take as much as all that somebody else does.
 * Whoever runs a worker by hand keeps their own session's share.
 */
function setPriorities(pid: string, priority: number, failed: (error: unknown) => void): void {
  const group = `/proc/${pid}/autogroup`;
  const leader = pid === 'self' ? process.pid : Number(pid);
  try {
    if (processStat(pid)?.session === leader && existsSync(group))
      setGroup(group, priority, failed, TURNS_MAX);
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), priority);
  } catch (error) {
    failed(error);
  }
}

function setGroup(group: string, priority: number, failed: (error: unknown) => void, turns: number): void {
  try {
    writeFileSync(group, String(priority));
  } catch (error) {
    if (errnoName(error) !== 'EAGAIN' || turns === 0) failed(error);
    else setTimeout(setGroup, TURN_MS * (1 + Math.random()), group, priority, failed, turns - 1).unref();
  }
}
