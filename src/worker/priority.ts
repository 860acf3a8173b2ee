import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { errnoName, messageOf } from '../../journal/storage.js';
import { processStat } from '../engine/process-stat.js';

const { PRIORITY_BELOW_NORMAL } = constants.priority;
const THREADS = '/proc/self/task';
const AUTOGROUP = '/proc/self/autogroup';
/** The kernel lets all who lack CAP_SYS_ADMIN change one group in 100 ms: workers that start together take turns. */
const TURN_MS = 100;
/** Enough for the workers of a big host. */
const TURNS_MAX = 200;

/**
 * Lower CPU priority; the kernel derives the priority of disk accesses from it where nobody has set one (there is
 * no way to `ioprio_set` without native code). Linux keeps it by thread: those that run already are told one by one,
 * later ones and children inherit it.
 * @param log takes a line where that is not possible; the work goes on as it is
 */
export function lowerPriority(log: (line: string) => void): void {
  try {
    for (const thread of readdirSync(THREADS)) setPriority(Number(thread), PRIORITY_BELOW_NORMAL);
    if (processStat('self')?.session === process.pid && existsSync(AUTOGROUP)) lowerGroup(log, TURNS_MAX);
  } catch (error) {
    log(`priority not lowered: ${messageOf(error)}`);
  }
}

/**
 * Most kernels share CPUs out among sessions first (sched(7), "The autogroup feature"), and heed the priorities of threads
 * only within one: a worker, which has a session of its own, would take as much as all that somebody else does.
 * Whoever runs a worker by hand keeps their own session's share.
 */
function lowerGroup(log: (line: string) => void, turns: number): void {
  try {
    writeFileSync(AUTOGROUP, String(PRIORITY_BELOW_NORMAL));
  } catch (error) {
    if (errnoName(error) !== 'EAGAIN' || turns === 0) log(`priority not lowered: ${messageOf(error)}`);
    else setTimeout(lowerGroup, TURN_MS * (1 + Math.random()), log, turns - 1).unref();
  }
}
