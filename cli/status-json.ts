import { z } from 'zod';
import type { ChunkStatus, StatusSnapshot } from '../projections/status.js';
import { displayPath } from '../projections/text.js';
import { jsonSafe } from './table.js';

const count = z.int().nonnegative();
const nullableNumber = z.number().nullable();

/** What `status --json` prints. */
export const statusSchema = z.object({
  scan: z.string().nullable(),
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
  mountPath: z.string().nullable(),
  mountName: z.string(),
  engine: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable().describe('of the last record, when it does not run'),
  seconds: z.number(),
  files: count,
  bytes: z.union([count, z.string()]),
  problems: count,
  filesPerSecond: z.number().describe('over the last 30 s while it runs, else over the whole scan'),
  chunks: z.object({ planned: count, completed: count, failed: count, running: count }),
  workers: z.array(
    z.object({
      chunk: count,
      attempt: count,
      name: z.string(),
      id: z.string(),
      files: count,
      bytes: count,
      directory: z.string().nullable(),
      secondsSinceProgress: z.number(),
      responsive: z.boolean(),
      cpuPercent: nullableNumber,
      memoryBytes: nullableNumber,
      memoryLimitBytes: nullableNumber,
    }),
  ),
  secondsSinceProgress: z.number(),
  remaining: z.object({
    files: count,
    atLeast: z.boolean(),
    secondsLow: nullableNumber,
    secondsHigh: nullableNumber,
  }),
  journalFreeBytes: nullableNumber,
  pausedBecause: z.string().nullable(),
  recentProblems: z.array(z.object({ path: z.string(), operation: z.string(), code: z.string() })),
});

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

export function statusJson(snapshot: StatusSnapshot): unknown {
  const { startedAtMs, endedAtMs, mountPath, workers, recentProblems, remaining, ...rest } = snapshot;
  const nowMs = startedAtMs + snapshot.seconds * 1000;
  return jsonSafe({
    ...rest,
    mountPath: mountPath === null ? null : displayPath(mountPath),
    startedAt: snapshot.scan === null ? null : new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === null || snapshot.scan === null ? null : new Date(endedAtMs).toISOString(),
    seconds: tenth(snapshot.seconds),
    filesPerSecond: tenth(snapshot.filesPerSecond),
    secondsSinceProgress: tenth(snapshot.secondsSinceProgress),
    workers: workers.map((worker) => workerJson(worker, nowMs)),
    remaining: {
      ...remaining,
      secondsLow: remaining.secondsLow === null ? null : tenth(remaining.secondsLow),
      secondsHigh: remaining.secondsHigh === null ? null : tenth(remaining.secondsHigh),
    },
    recentProblems: recentProblems.map(({ path, name, operation, code }) => ({
      path: name === '' ? displayPath(path) : `${displayPath(path)}/${displayPath(name)}`,
      operation,
      code,
    })),
  });
}

function workerJson(worker: ChunkStatus, nowMs: number): Record<string, unknown> {
  const { chunk, attempt, name, id, files, bytes, directory, progressAtMs, responsive } = worker;
  const { cpuPercent, memoryBytes, memoryLimitBytes } = worker;
  return {
    ...{ chunk, attempt, name, id, files, bytes, responsive, cpuPercent, memoryBytes, memoryLimitBytes },
    directory: directory === null ? null : displayPath(directory),
    secondsSinceProgress: tenth(Math.max(0, (nowMs - progressAtMs) / 1000)),
  };
}
