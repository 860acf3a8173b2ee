import { z } from 'zod';
import { BIG, bigCount, chunkCounts, count, MISSING_FILES, scanId, seconds, time } from './common.js';

const nullableNumber = z.number().nullable();

const worker = z.object({
  chunk: count,
  attempt: count.describe('from 1'),
  name: z.string().describe("the container's or process's name"),
  id: z.string().describe("the container's id; of a process its pid"),
  files: count.describe('files of its chunk so far'),
  bytes: bigCount.describe(`of those files; ${BIG}`),
  directory: z.string().nullable().describe('listed last; null: none yet'),
  reading: z
    .object({ path: z.string(), bytesRead: bigCount, bytesTotal: bigCount.describe('to be read of it') })
    .nullable()
    .describe('the file it has been reading for long; null: none'),
  seconds: seconds.describe('seconds since it was started, or taken over'),
  filesPerSecond: z.number().describe('over the last 30 s'),
  secondsSinceProgress: seconds,
  responsive: z.boolean().describe('as of its last health check'),
  cpuPercent: nullableNumber.describe('of one CPU, at its last health check; null: not known'),
  memoryBytes: nullableNumber.describe('at its last health check; null: not known'),
  memoryLimitBytes: nullableNumber.describe('null: not known, or none'),
});

export const statusSchema = z
  .object({
    scan: scanId.nullable().describe("the scan's ULID; null: there is none"),
    state: z.enum([
      'running',
      'paused',
      'interrupted',
      'killed',
      'none',
      'complete',
      'complete-with-problems',
      'incomplete',
    ]),
    mountPath: z.string().nullable().describe('null: not known'),
    mountName: z.string().describe('empty: not known'),
    engine: z.string().describe('docker or process; empty: not known'),
    startedAt: time.nullable(),
    endedAt: time.nullable().describe('of the last record, when it does not run'),
    seconds: seconds.describe('seconds since its start, or from start to end'),
    files: count.describe('files recorded so far'),
    bytes: bigCount.describe(`of those files; ${BIG}`),
    problems: count.describe('entries that could not be read'),
    filesPerSecond: z.number().describe('over the last 30 s while it runs, else over the whole scan'),
    chunks: chunkCounts.extend({ running: count }),
    workers: z.array(worker).describe('those at work'),
    secondsSinceProgress: seconds,
    remaining: z.object({
      files: count.describe('files the plan expects beyond those recorded'),
      atLeast: z.boolean().describe('more may come: planning goes on, or sizes are not known'),
      secondsLow: nullableNumber.describe('seconds the rest takes at best; null: nothing can be said'),
      secondsHigh: nullableNumber.describe('seconds the rest takes at worst; null: nothing can be said'),
    }),
    journalFreeBytes: nullableNumber.describe('room left for the journal; null: not known'),
    pausedBecause: z.string().nullable().describe('null: it is not paused'),
    missingFiles: count.describe(MISSING_FILES),
    recentProblems: z.array(
      z.object({
        path: z.string(),
        operation: z.string().describe('what failed, for example open, readdir, stat'),
        code: z.string().describe("errno's name"),
      }),
    ),
  })
  .describe('The running scan or, when none runs, the last one, as of now. monitor prints the same, once.');

export type StatusJson = z.infer<typeof statusSchema>;
