import { setTimeout as sleep } from 'node:timers/promises';
import type { EventData } from '../../journal/events/index.js';
import { EngineError, type Engine, type WorkerUsage } from '../engine/port.js';
import { mountAccessible } from '../health/mount.js';
import { freeBytes, hostLoad } from '../health/room.js';
import type { Attempt } from './attempt.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';

/** A worker that does not answer within this is unresponsive. */
const PING_TIMEOUT_MS = 10_000;
/** Within this the engine tells of an exit. */
const EXIT_HEARD_MS = 2000;
const UNKNOWN_USAGE: WorkerUsage = { cpuPercent: null, memoryBytes: null, memoryLimitBytes: null };

/** Looks at each running worker's health in its time, and journals it. */
export class HealthRounds {
  readonly #options: { journal: ScanJournal; engine: Engine; settings: ScanSettings };
  readonly #lookedAtMs = new WeakMap<Attempt, number>();
  /** The next look at a worker waits for the last. */
  readonly #looking = new WeakSet<Attempt>();

  constructor(options: { journal: ScanJournal; engine: Engine; settings: ScanSettings }) {
    this.#options = options;
  }

  /** Does nothing where it is not due: the first time an interval after the attempt was first seen here. */
  async look(attempt: Attempt, nowMs: number): Promise<void> {
    const { journal, engine, settings } = this.#options;
    const lookedAtMs = this.#lookedAtMs.get(attempt);
    if (lookedAtMs === undefined) this.#lookedAtMs.set(attempt, nowMs);
    const isDue = lookedAtMs !== undefined && nowMs - lookedAtMs >= settings.healthIntervalMs;
    const { id } = attempt;
    if (!isDue || id === null || this.#looking.has(attempt)) return;
    this.#looking.add(attempt);
    this.#lookedAtMs.set(attempt, nowMs);
    try {
      const health = await checkHealth(attempt, id, engine, settings);
      if (health !== null) await journal.append('health.checked', health);
    } finally {
      this.#looking.delete(attempt);
    }
  }
}

/**
 * Looks at one running worker, its mount and the room for its journal. Every look has its own time limit.
 * @returns null where the worker ended meanwhile: it did not answer for a good reason, and its exit tells
 */
async function checkHealth(
  attempt: Attempt,
  id: string,
  engine: Engine,
  settings: ScanSettings,
): Promise<EventData<'health.checked'> | null> {
  const [responsive, usage, accessible, journalFreeBytes] = await Promise.all([
    engine.ping(id, PING_TIMEOUT_MS).catch(falseOnEngineError),
    engine.usage(id).catch(unknownOnEngineError),
    mountAccessible(settings.mountPath, settings.ioTimeoutMs),
    freeBytes(settings.dataDir),
  ]);
  // The word of its end may be on its way.
  if (!responsive) await sleep(EXIT_HEARD_MS);
  if (attempt.view().phase === 'ended') return null;
  return {
    chunk: attempt.chunk.id,
    attempt: attempt.number,
    responsive,
    ...usage,
    filesRecorded: attempt.progress.ledger.totals.files,
    secondsSinceProgress: attempt.secondsSinceProgress,
    mountAccessible: accessible,
    journalFreeBytes,
    host: { ...hostLoad() },
  };
}

function falseOnEngineError(error: unknown): boolean {
  if (error instanceof EngineError) return false;
  throw error;
}

function unknownOnEngineError(error: unknown): WorkerUsage {
  if (error instanceof EngineError) return UNKNOWN_USAGE;
  throw error;
}
