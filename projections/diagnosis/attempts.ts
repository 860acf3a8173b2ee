import { isNotTried } from '../../journal/events/attempt.js';
import type { EventData, JournalEvent } from '../../journal/events/index.js';
import { explainExit } from '../exit-text.js';
import { codeOfExit, codeOfStartFailure, isHeld } from './classify.js';
import type { IncidentBook } from './incidents.js';
import type { Evidence } from './types.js';

type EvidenceOf = (text: string) => Evidence;

/** What is known of a chunk's running attempt. */
interface Running {
  attempt: number;
  stalled: boolean;
  judged: boolean;
  memoryBytes: number | null;
  memoryLimitBytes: number | null;
  /** A health check it did not answer, held back: workers that are just ending do not answer either. */
  unanswered: Evidence | null;
}

/** Words of `chunk.failed` that say nothing about the worker: its coordinator is the cause, or the journal. */
const COORDINATOR_GONE = /coordinator (?:ended|died|was killed|is gone)|never appeared/i;
const MOUNT_LOST = /^the mount was lost/;

/** Judges how attempts end, as their events come in: each bad end becomes one incident, of its nearest cause. */
export class AttemptJudge {
  readonly #incidents: IncidentBook;
  readonly #running = new Map<number, Running>();
  #engineLost = false;
  #mountLost = false;
  /** The scan was told to stop: how its workers end from now on is no incident. */
  stopping = false;
  engineKind: 'container' | 'process' = 'container';
  /** The limit of the workers' containers; null: none, or no containers. */
  memoryLimitBytes: number | null = null;
  started = 0;
  restarts = 0;
  /** Containers that what hangs in the mount keeps from ending, by id. */
  readonly held = new Set<string>();

  constructor(incidents: IncidentBook) {
    this.#incidents = incidents;
  }

  /** A new coordinator knows nothing of the troubles of the last one. */
  beginRun(): void {
    this.#running.clear();
    this.#engineLost = false;
    this.#mountLost = false;
    this.stopping = false;
  }

  /** Returns whether the event was one of a worker's or the engine's. */
  push(event: JournalEvent, evidenceOf: EvidenceOf): boolean {
    switch (event.type) {
      case 'process.requested':
      case 'container.requested':
        this.engineKind = event.type === 'process.requested' ? 'process' : 'container';
        this.memoryLimitBytes = memoryLimitOf(event.data.command);
        return true;
      case 'process.started':
      case 'container.started':
        this.#start(event.data);
        return true;
      case 'container.adopted':
        this.#running.set(event.data.chunk, newRunning(event.data.attempt));
        return true;
      case 'process.start-failed':
      case 'container.start-failed':
        this.#startFailed(event.data, evidenceOf);
        return true;
      case 'process.exited':
      case 'container.exited':
        if (event.type === 'container.exited' && isHeld(event.data)) this.held.add(event.data.id);
        this.#exited(event.data, evidenceOf);
        return true;
      case 'process.removed':
      case 'container.removed':
        this.held.delete(event.data.id);
        return true;
      case 'stall.detected':
        this.#stall(event.data, evidenceOf);
        return true;
      case 'docker.lost':
        this.#engineLost = true;
        this.#incidents.add('docker.lost', {
          evidence: evidenceOf(event.data.detail),
          detail: event.data.detail,
        });
        return true;
      case 'docker.regained':
        this.#engineLost = false;
        return true;
      default:
        return false;
    }
  }

  get engineLost(): boolean {
    return this.#engineLost;
  }

  health(data: EventData<'health.checked'>, evidenceOf: EvidenceOf): void {
    const { chunk } = data;
    this.#mountLost = !data.mountAccessible;
    if (!data.mountAccessible) {
      const evidence = evidenceOf('the mount did not answer a health check');
      this.#incidents.add('mount.lost', { evidence, chunk });
    }
    const running = this.#running.get(chunk);
    if (running === undefined || running.judged) return; // it has ended meanwhile
    running.memoryBytes = data.memoryBytes;
    running.memoryLimitBytes = data.memoryLimitBytes;
    if (data.responsive || this.#engineLost || this.#mountLost) {
      running.unanswered = null;
      return;
    }
    this.#unresponsive(chunk, running);
    running.unanswered = evidenceOf(`the worker of chunk ${chunk} did not answer a health check`);
  }

  /** What was held back counts after all: the worker lived on without answering. */
  #unresponsive(chunk: number, running: Running): void {
    if (running.unanswered === null) return;
    this.#incidents.add('container.unresponsive', { evidence: running.unanswered, chunk });
    running.unanswered = null;
  }

  /** The journal ends here: who has not answered by now does not answer. */
  finish(): void {
    for (const [chunk, running] of this.#running) this.#unresponsive(chunk, running);
  }

  /** The coordinator's verdict on an attempt: news only where no exit told it already. */
  chunkFailed(data: EventData<'chunk.failed'>, evidenceOf: EvidenceOf): void {
    const running = this.#running.get(data.chunk);
    this.#running.delete(data.chunk);
    if (running?.judged === true && running.attempt === data.attempt) return;
    if (this.stopping || COORDINATOR_GONE.test(data.reason)) return;
    const evidence = evidenceOf(`chunk ${data.chunk}, attempt ${data.attempt}: ${data.reason}`);
    const code = MOUNT_LOST.test(data.reason) ? 'mount.lost' : 'container.failed';
    this.#incidents.add(code, { evidence, chunk: data.chunk, detail: data.reason });
  }

  #start(data: EventData<'container.started'>): void {
    if (data.chunk === 0) return;
    this.started += 1;
    if (data.attempt > 1) this.restarts += 1;
    this.#running.set(data.chunk, newRunning(data.attempt));
  }

  #startFailed(data: EventData<'container.start-failed'>, evidenceOf: EvidenceOf): void {
    if (isNotTried(data)) return;
    const code = codeOfStartFailure(data, this.#engineLost);
    const evidence = evidenceOf(`${data.name} did not start: ${data.reason}: ${data.detail}`);
    this.#incidents.add(code, { evidence, chunk: data.chunk, detail: data.detail });
    this.#running.set(data.chunk, { ...newRunning(data.attempt), judged: true });
  }

  #exited(data: EventData<'container.exited'>, evidenceOf: EvidenceOf): void {
    if (data.swept === true) {
      if (this.#running.get(data.chunk)?.attempt === data.attempt) this.#running.delete(data.chunk);
      return;
    }
    const running = this.#running.get(data.chunk) ?? newRunning(data.attempt);
    this.#running.set(data.chunk, running);
    if (running.judged && running.attempt === data.attempt) return; // its start was given up, and it was ended
    const good = data.exitCode === 0 && !data.oomKilled;
    if (good || this.stopping) {
      this.#running.delete(data.chunk);
      return;
    }
    running.judged = true;
    running.memoryBytes = data.lastUsage?.memoryBytes ?? running.memoryBytes;
    running.memoryLimitBytes = data.lastUsage?.memoryLimitBytes ?? running.memoryLimitBytes;
    const code = codeOfExit(data, { ...running, engineLost: this.#engineLost, mountLost: this.#mountLost });
    if (code === null) return;
    const last = data.logTail.at(-1);
    const said = last === undefined ? '' : `; its last line: ${last}`;
    const evidence = evidenceOf(
      `${data.name} exited with ${data.exitCode ?? 'unknown code'}: ${explainExit(data)}${said}`,
    );
    this.#incidents.add(code, { evidence, chunk: data.chunk, detail: last ?? data.error });
  }

  #stall(data: EventData<'stall.detected'>, evidenceOf: EvidenceOf): void {
    const { chunk, secondsSinceProgress } = data;
    const running = this.#running.get(chunk);
    if (running !== undefined && data.action === 'restart') running.stalled = true;
    const text = `chunk ${chunk} had recorded nothing for ${secondsSinceProgress} s`;
    this.#incidents.add(this.#mountLost ? 'mount.lost' : 'worker.stalled', {
      evidence: evidenceOf(text),
      chunk,
    });
  }
}

/** Of a `docker run` line. */
function memoryLimitOf(command: string): number | null {
  const bytes = / --memory (\d+)(?: |$)/.exec(command)?.[1];
  return bytes === undefined ? null : Number(bytes);
}

function newRunning(attempt: number): Running {
  return {
    attempt,
    stalled: false,
    judged: false,
    memoryBytes: null,
    memoryLimitBytes: null,
    unanswered: null,
  };
}
