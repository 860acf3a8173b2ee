import { z } from 'zod';
import { count } from './common.js';

/** Lines of a worker's log that are kept with its exit. */
export const LOG_TAIL_LINES_MAX = 50;

/** Reasons of a `…start-failed` where no start was tried: its scan was stopped first, or its coordinator had died. */
export const NOT_TRIED = { stopped: 'stopped', coordinatorGone: 'coordinator-gone' } as const;

/** Whether that is the reason: then nothing failed. */
export function isNotTried({ reason }: { reason: string }): boolean {
  return Object.values<string>(NOT_TRIED).includes(reason);
}

const chunk = count; // 0 is a preflight probe
const attempt = z.int().nonnegative();

const requested = z.looseObject({
  chunk,
  attempt,
  name: z.string(),
  image: z.string().nullable(),
  command: z.string(),
});
const started = z.looseObject({ chunk, attempt, name: z.string(), id: z.string() });
const startFailed = z.looseObject({
  chunk,
  attempt,
  name: z.string(),
  reason: z.string(),
  detail: z.string(),
});
const exited = z.looseObject({
  chunk,
  attempt,
  name: z.string(),
  id: z.string(),
  exitCode: z.int().nullable(),
  oomKilled: z.boolean(),
  error: z.string(),
  logTail: z.array(z.string()).max(LOG_TAIL_LINES_MAX),
  /** It was ended because nobody waited for it any more: how it ended says nothing about it. */
  swept: z.literal(true).optional(),
  /** What it used when it was last seen at work; null: it was not. A number is null where it could not be had. */
  lastUsage: z
    .looseObject({
      at: z.string(),
      cpuPercent: z.number().nullable(),
      memoryBytes: z.number().nullable(),
      memoryLimitBytes: z.number().nullable(),
    })
    .nullable()
    .optional(),
});
const removed = z.looseObject({ name: z.string(), id: z.string() });

/**
 * The life of one worker container, or of one worker process: the same fields (`image` null, `id` the pid). Only
 * containers outlive their coordinator: one that still runs is adopted by the next.
 */
export const attemptEvents = {
  'container.requested': requested,
  'container.started': started,
  'container.adopted': started,
  'container.start-failed': startFailed,
  'container.exited': exited,
  'container.removed': removed,
  'process.requested': requested,
  'process.started': started,
  'process.start-failed': startFailed,
  'process.exited': exited,
  'process.removed': removed,
} as const;
