import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { errnoName, messageOf } from '../journal/storage.js';
import { processStat } from './engine/process-stat.js';

const { PRIORITY_BELOW_NORMAL, PRIORITY_NORMAL } = constants.priority;
/** The kernel lets all who lack CAP_SYS_ADMIN change one group in 100 ms: workers that start together take turns. */
const TURN_MS = 100;
/** Enough for the workers of a big host. */
const TURNS_MAX = 200;
/** Who is to end does so within seconds, or is killed. */
const TURNS_TO_END = 20;

/**
 * Lower CPU priority of this process; the kernel derives the priority of disk accesses from it where nobody has set one
 * (there is no way to `ioprio_set` without native code).
 * @param log takes a line where that is not possible; the work goes on as it is
 */
export function lowerPriority(log: (line: string) => void): void {
  const lowered = (now: number): number => Math.max(now, PRIORITY_BELOW_NORMAL);
  setPriorities('self', { thread: lowered, group: PRIORITY_BELOW_NORMAL, turns: TURNS_MAX }, (error) => {
    log(`priority not lowered: ${messageOf(error)}`);
  });
}

/**
 * For a worker that is to end: where others keep all CPUs busy, low priority would let it take many seconds over that.
 * It gets what this process has, as far as possible: only root may raise the priority of threads, everybody that of
 * their sessions.
 */
export function restorePriority(pid: string): void {
  const own = getPriority();
  const restored = (now: number): number => Math.min(now, own);
  const ignored = (): void => undefined; // it takes longer then, and no harm is done
  setPriorities(pid, { thread: restored, group: PRIORITY_NORMAL, turns: TURNS_TO_END }, ignored);
}

interface Priorities {
  /** From what it has. */
  thread: (now: number) => number;
  group: number;
  /** At the kernel's lock for groups. */
  turns: number;
}

/**
 * Linux keeps priorities by thread: those that run already are told one by one, later ones and children inherit it.
 * Most kernels share CPUs out among sessions first (sched(7), "The autogroup feature"), and heed the priorities of threads
 * only within one: a worker, which has a session of its own, would take as much as all that somebody else does.
 * Whoever runs a worker by hand keeps their own session's share.
 */
function setPriorities(
  pid: string,
  { thread, group, turns }: Priorities,
  failed: (error: unknown) => void,
): void {
  const groupFile = `/proc/${pid}/autogroup`;
  const leader = pid === 'self' ? process.pid : Number(pid);
  try {
    if (processStat(pid)?.session === leader && existsSync(groupFile))
      setGroup(groupFile, group, turns, failed);
    for (const id of readdirSync(`/proc/${pid}/task`).map(Number)) setThread(id, thread);
  } catch (error) {
    failed(error);
  }
}

function setThread(id: number, priority: Priorities['thread']): void {
  try {
    setPriority(id, priority(getPriority(id)));
  } catch (error) {
    const { info } = error as { info?: { code?: string } };
    if (info?.code !== 'ESRCH') throw error; // that one has ended
  }
}

function setGroup(file: string, priority: number, turns: number, failed: (error: unknown) => void): void {
  try {
    writeFileSync(file, String(priority));
  } catch (error) {
    if (errnoName(error) !== 'EAGAIN' || turns === 0) failed(error);
    else setTimeout(setGroup, TURN_MS * (1 + Math.random()), file, priority, turns - 1, failed).unref();
  }
}
