import { bigCountOf } from '../journal/big-count.js';
import type { WorkerStatus } from '../projections/status.js';
import { displayPath } from '../projections/text.js';
import type { StatusJson } from './json/status.js';
import type { FedStatus } from './status-feed.js';
import { jsonSafe } from './table.js';

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

/** What `status --json` prints. */
export function statusJson(snapshot: FedStatus): StatusJson {
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

function workerJson(worker: WorkerStatus, nowMs: number): StatusJson['workers'][number] {
  const { chunk, attempt, name, id, files, directory, progressAtMs, responsive } = worker;
  const { cpuPercent, memoryBytes, memoryLimitBytes } = worker;
  return {
    ...{ chunk, attempt, name, id, files, responsive, cpuPercent, memoryBytes, memoryLimitBytes },
    bytes: bigCountOf(worker.bytes),
    directory: directory === null ? null : displayPath(directory),
    reading: worker.reading === null ? null : { ...worker.reading, path: displayPath(worker.reading.path) },
    seconds: tenth(worker.seconds),
    filesPerSecond: tenth(worker.filesPerSecond),
    secondsSinceProgress: tenth(Math.max(0, (nowMs - progressAtMs) / 1000)),
  };
}
