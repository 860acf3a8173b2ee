import { LOG_TAIL_LINES_MAX } from '../../journal/events/attempt.js';
import { CALL_TIMEOUT_MS, type DockerClient } from './docker-client.js';
import { logLines } from './docker-logs.js';
import { EngineError, type WorkerExit, type WorkerUsage } from './port.js';

const SIGNAL_BASE = 128;
/** Shells and init processes report a death by signal as 128 + its number. */
const SIGNALS: Record<number, string> = {
  2: 'SIGINT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

/** CPU time of a container at one moment; two make a rate. */
export interface UsageSample {
  cpuNs: number;
  atMs: number;
}

/** How it ended. A container that is gone (someone else removed it) has no code any more. */
export async function readExit(client: DockerClient, id: string): Promise<WorkerExit> {
  try {
    const { State: state } = await client.call(
      'look at the container',
      CALL_TIMEOUT_MS,
      (docker, abortSignal) => docker.getContainer(id).inspect({ abortSignal }),
    );
    const exitCode = state.ExitCode;
    return {
      exitCode,
      signal: exitCode > SIGNAL_BASE ? (SIGNALS[exitCode - SIGNAL_BASE] ?? null) : null,
      oomKilled: state.OOMKilled,
      error: state.Error,
      logTail: await readLog(client, id),
    };
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'not-found')) throw error;
    return {
      exitCode: null,
      signal: null,
      oomKilled: false,
      error: 'the container is gone: someone else removed it',
      logTail: [],
    };
  }
}

/** The last lines of the log; a log that cannot be read says so in its place and never hides the exit. */
export async function readLog(client: DockerClient, id: string): Promise<string[]> {
  try {
    const body = await client.call("read the container's log", CALL_TIMEOUT_MS, (docker, abortSignal) =>
      docker
        .getContainer(id)
        .logs({ stdout: true, stderr: true, tail: LOG_TAIL_LINES_MAX, follow: false, abortSignal }),
    );
    return logLines(toBuffer(body), LOG_TAIL_LINES_MAX);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'unreachable') throw error;
    return [`(no log: ${error instanceof Error ? error.message : String(error)})`];
  }
}

/** docker-modem parses a body that happens to be JSON. */
function toBuffer(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

interface RawStats {
  read?: string;
  cpu_stats?: { cpu_usage?: { total_usage?: number } };
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
}

/** The typings know no abort signal here. */
interface StatsContainer {
  stats(options: { stream: false; 'one-shot': true; abortSignal: AbortSignal }): Promise<RawStats>;
}

/** CPU since the last question (null at the first), and memory without the page cache, as `docker stats` shows it. */
export async function readUsage(
  client: DockerClient,
  id: string,
  samples: Map<string, UsageSample>,
): Promise<WorkerUsage> {
  const raw: RawStats = await client.call(
    "read the container's use",
    CALL_TIMEOUT_MS,
    (docker, abortSignal) =>
      (docker.getContainer(id) as unknown as StatsContainer).stats({
        stream: false,
        'one-shot': true,
        abortSignal,
      }),
  );
  const cpuNs = raw.cpu_stats?.cpu_usage?.total_usage ?? 0;
  const sample = { cpuNs, atMs: Date.parse(raw.read ?? '') };
  const before = samples.get(id);
  samples.set(id, sample);
  const memory = raw.memory_stats ?? {};
  const cache = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
  return {
    cpuPercent: before === undefined ? null : percentBetween(before, sample),
    memoryBytes: memory.usage === undefined ? null : Math.max(0, memory.usage - cache),
    memoryLimitBytes: memory.limit ?? null,
  };
}

function percentBetween(before: UsageSample, now: UsageSample): number | null {
  const elapsedNs = (now.atMs - before.atMs) * 1e6;
  if (!(elapsedNs > 0)) return null;
  return Math.round(((now.cpuNs - before.cpuNs) / elapsedNs) * 1000) / 10;
}
