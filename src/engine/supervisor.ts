/** One attempt as the supervisor sees it; times in ms of one clock. */
export interface SeenAttempt {
  chunk: number;
  /** `leaving`: asked to stop or to yield; `ended`: has exited and is being settled. */
  phase: 'starting' | 'running' | 'leaving' | 'ended';
  startedAtMs: number;
  /** Its journal has records, so it hears signals. */
  recording: boolean;
  /** When its journal last grew. */
  progressAtMs: number;
  /** When it was asked to stop; null: it was not. */
  stopAskedAtMs: number | null;
  /** When its journal was found to be finished and sealed; null: it is not. */
  doneAtMs: number | null;
  /** When it was sent SIGKILL; null: it was not. */
  killedAtMs: number | null;
  stallReportedAtMs: number | null;
  /** How long it may wait for room on its disk: that is no stall. 0: it does not. */
  roomWaitMs: number;
  /** Files its plan expects and has not recorded yet; 0 where nothing is known. */
  filesLeft: number;
}

/** So many times the grace of a stop until one that is done, but has not ended, is killed. */
const DONE_GRACES = 2;

/** A chunk that has no running attempt. */
export interface WaitingChunk {
  id: number;
  estimatedFiles: number;
  estimatedBytes: bigint;
  /** Not before this time: the pause before a retry. */
  notBeforeMs: number;
}

export interface Limits {
  workersMax: number;
  /** More than this only take turns on the CPUs: none is asked to share its chunk for their sake. */
  usefulWorkers?: number;
  stallMs: number;
  stallAction: 'warn' | 'restart';
  /** A worker must have run this long before it is asked to share its chunk: sharing costs a start. */
  splitAfterMs: number;
  /** And for this part of the time the scan has run, so that a long scan does not end in crumbs. */
  splitAfterShare: number;
  /** Nor is one asked before a slot has stood idle for so long: what is left may take less than a start. */
  splitIdleMs: number;
  /** From the request to stop to SIGKILL. */
  graceMs: number;
  /** An engine that is away for longer is not waited for: the scan ends. */
  engineWaitMs: number;
}

export interface Supervised {
  attempts: readonly SeenAttempt[];
  scanStartedAtMs: number;
  /** When a worker last ended; null: none has. */
  lastEndedAtMs: number | null;
  waiting: readonly WaitingChunk[];
  /** No further chunk will come from planning. */
  planned: boolean;
  /** The scan ends early: nothing more is started. */
  stopping: boolean;
  /** The disk of the journal is full: nothing is started until there is room. */
  paused: boolean;
  /** The engine does not answer: nothing can be started or ended, and nothing about workers be concluded. */
  engineLost: boolean;
  /** It was away for too long: the scan ends without it. */
  engineGivenUp: boolean;
}

export type Step =
  | { kind: 'launch'; chunk: number }
  | { kind: 'split'; chunk: number }
  | { kind: 'report-stall'; chunk: number; secondsSinceProgress: number; action: 'warn' | 'restart' }
  | { kind: 'kill'; chunk: number }
  /** A process stuck in a dead mount survives even SIGKILL: nobody waits for it. */
  | { kind: 'abandon'; chunk: number }
  /** The scan ends and the engine is away: whoever scans next takes the worker over, or settles it. */
  | { kind: 'leave'; chunk: number };

/**
 * Of the workers that could start now, those that would have a CPU: the others only take turns.
 * @param idle slots without a worker, of all `slots`
 */
export function usefulIdle(idle: number, slots: number, cpus: number): number {
  return Math.min(idle, cpus - (slots - idle));
}

/** What to do now, and nothing else: no clock, no engine, no journal. Runs once a tick. */
export function nextSteps(seen: Supervised, nowMs: number, limits: Limits): Step[] {
  if (seen.engineGivenUp) return seen.attempts.map(({ chunk }) => ({ kind: 'leave', chunk }));
  const steps: Step[] = [];
  for (const attempt of seen.attempts) {
    if (attempt.stopAskedAtMs !== null || attempt.doneAtMs !== null)
      steps.push(...leaveStep(seen, attempt, nowMs, limits));
    else if (attempt.phase === 'running' || attempt.phase === 'leaving')
      steps.push(...stallStep(attempt, nowMs, limits));
  }
  if (seen.stopping || seen.paused || seen.engineLost) return steps;
  const slots = limits.workersMax - seen.attempts.length;
  const due = seen.waiting.filter((chunk) => chunk.notBeforeMs <= nowMs).sort(largestFirst);
  for (const chunk of due.slice(0, Math.max(0, slots))) steps.push({ kind: 'launch', chunk: chunk.id });
  const useful = (limits.usefulWorkers ?? limits.workersMax) - seen.attempts.length;
  const idle = Math.min(slots, useful) > due.length && seen.waiting.length === 0 && seen.planned;
  const split = idle ? mostLeft(seen, nowMs, limits) : undefined;
  if (split !== undefined) steps.push({ kind: 'split', chunk: split.chunk });
  return steps;
}

/** What becomes of one that was asked to stop, or whose work is done, and that should have ended. */
function leaveStep(seen: Supervised, attempt: SeenAttempt, nowMs: number, limits: Limits): Step[] {
  const { chunk, phase, killedAtMs, stopAskedAtMs, doneAtMs } = attempt;
  const sinceMs = killedAtMs ?? stopAskedAtMs ?? doneAtMs ?? nowMs;
  // Nobody hurries one that is done: it only has to be noticed that a process of it is stuck in a dead mount.
  const graceMs =
    killedAtMs === null && stopAskedAtMs === null ? DONE_GRACES * limits.graceMs : limits.graceMs;
  if (nowMs - sinceMs <= graceMs) return [];
  if (seen.engineLost) return seen.stopping ? [{ kind: 'leave', chunk }] : [];
  if (phase === 'starting' || phase === 'ended') return [];
  return [{ kind: killedAtMs === null ? 'kill' : 'abandon', chunk }];
}

function stallStep(attempt: SeenAttempt, nowMs: number, limits: Limits): Step[] {
  const silentMs = nowMs - attempt.progressAtMs;
  if (silentMs <= limits.stallMs + attempt.roomWaitMs) return [];
  const reported = attempt.stallReportedAtMs !== null && nowMs - attempt.stallReportedAtMs <= limits.stallMs;
  if (reported) return [];
  const secondsSinceProgress = Math.round(silentMs / 1000);
  return [{ kind: 'report-stall', chunk: attempt.chunk, secondsSinceProgress, action: limits.stallAction }];
}

function largestFirst(a: WaitingChunk, b: WaitingChunk): number {
  if (a.estimatedBytes !== b.estimatedBytes) return a.estimatedBytes > b.estimatedBytes ? -1 : 1;
  return b.estimatedFiles - a.estimatedFiles || a.id - b.id;
}

/** The worker to relieve: one at a time, the one with most left, else the one that has run longest. */
function mostLeft(seen: Supervised, nowMs: number, limits: Limits): SeenAttempt | undefined {
  if (seen.attempts.some((attempt) => attempt.phase !== 'running')) return undefined;
  if (seen.lastEndedAtMs !== null && nowMs - seen.lastEndedAtMs < limits.splitIdleMs) return undefined;
  const afterMs = Math.max(limits.splitAfterMs, (nowMs - seen.scanStartedAtMs) * limits.splitAfterShare);
  return seen.attempts
    .filter((attempt) => attempt.recording && nowMs - attempt.startedAtMs > afterMs)
    .sort((a, b) => b.filesLeft - a.filesLeft || a.startedAtMs - b.startedAtMs)[0];
}
