import { isBookkeeping } from '../journal/event-versions.js';
import type { EventData, JournalEvent, PathText, ScanOutcome } from '../journal/events/index.js';
import { rowTotals } from '../journal/indexed-batch.js';
import type { RecordHeader } from '../journal/record.js';
import { estimateRemaining, type Pace, type Remaining } from './eta.js';
import { RateCounter } from './rate.js';
import {
  bytesRead,
  healthChecked,
  isOver,
  newChunk,
  planned,
  readOn,
  workerStarted,
  type ChunkState,
  type ChunkStatus,
  type WorkerStatus,
} from './status-chunk.js';

export type { WorkerStatus } from './status-chunk.js';

/** Window of the rate that is shown. */
const RATE_WINDOW_MS = 30_000;
/** Problems shown live; the journal has them all. */
const RECENT_PROBLEMS_MAX = 5;

export type ScanState = 'running' | 'paused' | 'interrupted' | 'killed' | 'none' | ScanOutcome;

export interface StatusSnapshot {
  scan: string | null;
  state: ScanState;
  mountPath: PathText | null;
  mountName: string;
  engine: string;
  startedAtMs: number;
  /** null while it runs. */
  endedAtMs: number | null;
  seconds: number;
  files: number;
  bytes: bigint;
  problems: number;
  recentProblems: { path: PathText; name: PathText; operation: string; code: string }[];
  filesPerSecond: number;
  chunks: { planned: number; completed: number; failed: number; running: number };
  workers: WorkerStatus[];
  secondsSinceProgress: number;
  remaining: Remaining;
  journalFreeBytes: number | null;
  pausedBecause: string | null;
}

/** Folds the records of one scan, the coordinator's and its workers', into where the scan stands. */
export class StatusFold {
  readonly #chunks = new Map<number, ChunkStatus>();
  readonly #rate = new RateCounter();
  /** Bytes that were recorded, or read of files not recorded yet. */
  readonly #byteRate = new RateCounter();
  /** Of each chunk that is not over. */
  readonly #rates = new Map<number, RateCounter>();
  readonly #recentProblems: StatusSnapshot['recentProblems'] = [];
  #scan: string | null = null;
  #started: EventData<'scan.started'> | null = null;
  #completed: EventData<'scan.completed'> | null = null;
  #interrupted = false;
  #pausedBecause: string | null = null;
  #planning = true;
  #startedAtMs = 0;
  #lastAtMs = 0;
  #progressAtMs = 0;
  #journalFreeBytes: number | null = null;

  push(event: JournalEvent, record: Pick<RecordHeader, 'at' | 'scan'>): void {
    const atMs = Date.parse(record.at);
    this.#scan ??= record.scan;
    if (this.#startedAtMs === 0) this.#startedAtMs = atMs;
    if (this.#lastAtMs === 0 || !isBookkeeping(event.type)) this.#lastAtMs = Math.max(this.#lastAtMs, atMs);
    switch (event.type) {
      case 'files.batch':
        this.#batch(event.data, atMs);
        break;
      case 'digest.progressed':
        this.#reading(event.data, atMs);
        break;
      case 'health.checked':
        if (event.data.chunk !== 0) this.#health(event.data);
        break;
      case 'chunk.planned':
      case 'chunk.split':
      case 'chunk.completed':
      case 'chunk.failed':
        this.#chunkEvent(event, atMs);
        break;
      case 'container.adopted':
      case 'container.started':
      case 'process.started':
        // Chunk 0 is a preflight probe's.
        if (event.data.chunk !== 0) workerStarted(this.#chunk(event.data.chunk), event.data, atMs);
        break;
      default:
        this.#scanEvent(event, atMs);
    }
  }

  /** @param live whether a living process holds the scan: only then can an unfinished one be running */
  snapshot(nowMs: number, live: boolean): StatusSnapshot {
    const state = this.#state(live);
    const ended = state !== 'running' && state !== 'paused';
    const endMs = ended ? this.#lastAtMs : Math.max(nowMs, this.#lastAtMs);
    const untilMs = this.#completed === null ? nowMs : endMs;
    const all = [...this.#chunks.values()];
    const sum = (pick: (chunk: ChunkStatus) => number): number =>
      all.reduce((total, chunk) => total + pick(chunk), 0);
    const count = (wanted: ChunkState): number => sum((chunk) => (chunk.state === wanted ? 1 : 0));
    const final = this.#completed;
    const filesPerSecond = this.#rate.perSecond(
      endMs,
      this.#startedAtMs,
      ended ? endMs - this.#startedAtMs : RATE_WINDOW_MS,
    );
    return {
      scan: this.#scan,
      state,
      mountPath: this.#started?.mountPath ?? null,
      mountName: this.#started?.mountName ?? '',
      engine: this.#started?.engine ?? '',
      startedAtMs: this.#startedAtMs,
      endedAtMs: ended ? endMs : null,
      seconds: (endMs - this.#startedAtMs) / 1000,
      files: final?.files ?? sum((chunk) => chunk.files),
      bytes: final === null ? all.reduce((total, chunk) => total + chunk.bytes, 0n) : BigInt(final.bytes),
      problems: final?.problems ?? sum((chunk) => chunk.problems),
      recentProblems: [...this.#recentProblems],
      filesPerSecond,
      chunks: {
        planned: final?.chunks.planned ?? all.length - count('split'),
        completed: final?.chunks.completed ?? count('completed'),
        failed: final?.chunks.failed ?? count('failed'),
        running: ended ? 0 : count('running'),
      },
      workers: ended
        ? []
        : all.filter(({ state }) => state === 'running').map((each) => this.#worker(each, endMs)),
      secondsSinceProgress: this.#secondsSinceProgress(untilMs),
      remaining: estimateRemaining(all, {
        planning: this.#planning,
        files: this.#pace(this.#rate, endMs),
        bytes: this.#started?.options['checksum'] === 'full' ? this.#pace(this.#byteRate, endMs) : null,
      }),
      journalFreeBytes: this.#journalFreeBytes,
      pausedBecause: this.#pausedBecause,
    };
  }

  #pace(rate: RateCounter, endMs: number): Pace {
    const [recent = 0, mean = 0] = [RATE_WINDOW_MS, endMs - this.#startedAtMs].map((windowMs) =>
      rate.perSecond(endMs, this.#startedAtMs, windowMs),
    );
    return { recentPerSecond: recent, meanPerSecond: mean };
  }

  #worker(chunk: ChunkStatus, nowMs: number): WorkerStatus {
    const { startedAtMs } = chunk;
    const filesPerSecond = this.#rates.get(chunk.chunk)?.perSecond(nowMs, startedAtMs, RATE_WINDOW_MS) ?? 0;
    return { ...chunk, filesPerSecond, seconds: Math.max(0, nowMs - startedAtMs) / 1000 };
  }

  /** Chunks whose records can still change what is shown. */
  get unfinishedChunks(): number[] {
    if (this.#completed !== null) return [];
    return [...this.#chunks.values()].filter(isUnfinished).map((chunk) => chunk.chunk);
  }

  #secondsSinceProgress(untilMs: number): number {
    const sinceMs = Math.max(this.#progressAtMs, this.#startedAtMs);
    return sinceMs === 0 ? 0 : Math.max(0, (untilMs - sinceMs) / 1000); // 0 where there is no scan at all
  }

  #state(live: boolean): ScanState {
    if (this.#scan === null) return 'none';
    if (this.#completed !== null) return this.#completed.outcome;
    if (live) return this.#pausedBecause === null ? 'running' : 'paused';
    return this.#interrupted ? 'interrupted' : 'killed';
  }

  #chunk(chunk: number): ChunkStatus {
    const known = this.#chunks.get(chunk);
    if (known !== undefined) return known;
    const made = newChunk(chunk);
    this.#chunks.set(chunk, made);
    return made;
  }

  #batch(data: EventData<'files.batch'>, atMs: number): void {
    if (data.chunk === 0) return; // rows of a former catalog: known, not scanned
    const chunk = this.#chunk(data.chunk);
    if (chunk.state === 'completed') return; // its totals are exact already
    let files = 0;
    let bytes = 0n;
    for (const directory of data.directories) {
      const rows = rowTotals(directory);
      files += rows.files;
      bytes += BigInt(rows.bytes);
      chunk.problems += directory.problems.length;
      for (const problem of directory.problems) this.#problem(directory.path, problem);
      chunk.directory = directory.path;
    }
    chunk.files += files;
    chunk.bytes += bytes;
    this.#byteRate.add(atMs, Math.max(0, Number(bytes) - bytesRead(chunk)));
    chunk.reading = null;
    chunk.progressAtMs = Math.max(chunk.progressAtMs, atMs);
    this.#progressAtMs = Math.max(this.#progressAtMs, atMs);
    this.#rate.add(atMs, files);
    const rate = this.#rates.get(data.chunk) ?? new RateCounter();
    this.#rates.set(data.chunk, rate);
    rate.add(atMs, files);
  }

  #reading(data: EventData<'digest.progressed'>, atMs: number): void {
    this.#byteRate.add(atMs, readOn(this.#chunk(data.chunk), data, atMs));
    this.#progressAtMs = Math.max(this.#progressAtMs, atMs);
  }

  #problem(path: PathText, problem: { name: PathText; operation: string; code: string }): void {
    this.#recentProblems.push({ path, name: problem.name, operation: problem.operation, code: problem.code });
    if (this.#recentProblems.length > RECENT_PROBLEMS_MAX) this.#recentProblems.shift();
  }

  #health(data: EventData<'health.checked'>): void {
    healthChecked(this.#chunk(data.chunk), data);
    this.#journalFreeBytes = data.journalFreeBytes ?? this.#journalFreeBytes;
  }

  #chunkEvent(
    event: Extract<
      JournalEvent,
      { type: 'chunk.planned' | 'chunk.split' | 'chunk.completed' | 'chunk.failed' }
    >,
    atMs: number,
  ): void {
    const chunk = this.#chunk(event.data.chunk);
    if (event.type === 'chunk.planned') {
      planned(chunk, event.data);
    } else if (event.type === 'chunk.split') {
      chunk.state = 'split';
    } else if (event.type === 'chunk.failed') {
      chunk.state = event.data.willRetry ? 'waiting' : 'failed';
    } else {
      if (event.data.files > chunk.files) this.#rate.add(atMs, event.data.files - chunk.files);
      chunk.state = 'completed';
      chunk.files = event.data.files;
      chunk.bytes = BigInt(event.data.bytes);
      chunk.problems = event.data.problems;
      this.#progressAtMs = Math.max(this.#progressAtMs, atMs);
    }
    if (isOver(chunk.state)) this.#rates.delete(chunk.chunk);
  }

  #scanEvent(event: JournalEvent, atMs: number): void {
    if (event.type === 'scan.started') {
      this.#started = event.data;
      this.#startedAtMs = atMs;
    } else if (event.type === 'scan.resumed') {
      this.#resumed();
    } else if (event.type === 'scan.paused') this.#pausedBecause = event.data.reason;
    else if (event.type === 'scan.continued') this.#pausedBecause = null;
    else if (event.type === 'scan.interrupted') this.#interrupted = true;
    else if (event.type === 'scan.completed') {
      this.#completed = event.data;
      this.#planning = false;
    } else if (event.type === 'plan.finished') this.#planning = false;
  }

  /** A new coordinator: what the last one had running is not running any more. */
  #resumed(): void {
    this.#interrupted = false;
    this.#completed = null;
    this.#pausedBecause = null;
    for (const chunk of this.#chunks.values()) {
      if (chunk.state === 'running' || chunk.state === 'failed') chunk.state = 'waiting';
    }
  }
}

/** Begun, and neither complete nor given up. */
function isUnfinished({ state, attempt }: ChunkStatus): boolean {
  return attempt > 0 && !isOver(state);
}
