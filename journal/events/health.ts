import { z } from 'zod';
import { count, ofAttempt } from './common.js';

/** What the coordinator saw of its workers, the engine and the host. A number is null where it could not be had. */
export const healthEvents = {
  'health.checked': z.looseObject({
    chunk: count,
    attempt: count,
    responsive: z.boolean(),
    cpuPercent: z.number().nullable(),
    memoryBytes: z.number().nullable(),
    memoryLimitBytes: z.number().nullable(),
    filesRecorded: count,
    secondsSinceProgress: z.number().nonnegative(),
    mountAccessible: z.boolean(),
    journalFreeBytes: z.number().nullable(),
    /** Of the coordinator's host: mean number of processes that ran or waited in the last minute, and memory. */
    host: z
      .looseObject({ load1: z.number(), memoryFreeBytes: z.number(), memoryBytes: z.number() })
      .optional(),
  }),
  'stall.detected': z.looseObject({
    ...ofAttempt,
    secondsSinceProgress: z.number().nonnegative(),
    action: z.enum(['warn', 'restart']),
  }),
  'docker.lost': z.looseObject({ detail: z.string() }),
  'docker.regained': z.looseObject({ seconds: z.number().nonnegative() }),
} as const;
