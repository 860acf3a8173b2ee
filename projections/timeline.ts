import { rowCount } from '../journal/indexed-batch.js';
import { isBookkeeping } from '../journal/event-versions.js';
import type { EventData, JournalEvent } from '../journal/events/index.js';
import type { RecordHeader } from '../journal/record.js';
import { RateCounter, type RateSlices } from './rate.js';

export type SpanKind =
  'preflight' | 'planning' | 'scanning' | 'paused' | 'engine-lost' | 'good' | 'bad' | 'stopped' | 'open';

/** Something that lasted. `chunk` is 0 for what concerns the whole scan. */
export interface Span {
  fromMs: number;
  /** null: it had not ended when the journal did. */
  toMs: number | null;
  kind: SpanKind;
  chunk: number;
  attempt: number;
}

export interface Mark {
  atMs: number;
  kind: 'resumed' | 'stall' | 'problem' | 'end';
  text: string;
}

export interface MemorySeries {
  chunk: number;
  limitBytes: number | null;
  points: { atMs: number; bytes: number }[];
}

export interface Timeline {
  fromMs: number;
  toMs: number;
  phases: Span[];
  /** One lane per worker that ran at the same time; attempts follow each other in it. */
  lanes: Span[][];
  /** Attempts that are in no lane because there were too many. */
  omitted: number;
  marks: Mark[];
  memory: MemorySeries[];
  /** Files recorded per second, over equal slices of the time. */
  filesPerSecond: number[];
}

const SPANS_MAX = 5000;
const MARKS_MAX = 500;
const SERIES_MAX = 100;
/** Points of one series; when it is full every second one goes. */
const POINTS_MAX = 200;

/** Folds a scan's records into lanes over time: for people, in the terminal and on a page. */
export class TimelineFold {
  readonly #phases: Span[] = [];
  readonly #lanes: Span[][] = [];
  readonly #open = new Map<number, Span>();
  readonly #marks: Mark[] = [];
  readonly #memory = new Map<number, MemorySeries>();
  readonly #rate = new RateCounter();
  #spans = 0;
  #omitted = 0;
  #fromMs = 0;
  #toMs = 0;

  push(event: JournalEvent, record: Pick<RecordHeader, 'at'>): void {
    const atMs = Date.parse(record.at);
    this.#reach(isBookkeeping(event.type) && this.#toMs > 0 ? Math.min(atMs, this.#toMs) : atMs);
    switch (event.type) {
      case 'files.batch':
        if (event.data.chunk > 0) {
          for (const directory of event.data.directories) this.#rate.add(atMs, rowCount(directory));
        }
        break;
      case 'container.adopted':
      case 'container.started':
      case 'process.started':
        this.#start(event.data.chunk, event.data.attempt, atMs);
        break;
      case 'container.exited':
      case 'process.exited':
        this.#lastUsage(event.data);
        this.#end(event.data.chunk, atMs, exitKind(event.data.exitCode));
        break;
      case 'health.checked':
        this.#health(event.data.chunk, event.data.memoryBytes, event.data.memoryLimitBytes, atMs);
        break;
      default:
        this.#scanEvent(event, atMs);
    }
  }

  /** Files recorded over a time, instead of the batches they came in. */
  pushFiles({ atMs, amounts }: RateSlices, firstAt: string, lastAt: string): void {
    this.#reach(Date.parse(firstAt));
    this.#reach(Date.parse(lastAt));
    atMs.forEach((time, at) => {
      this.#rate.add(time, amounts[at] ?? 0);
    });
  }

  #reach(atMs: number): void {
    if (this.#fromMs === 0 || atMs < this.#fromMs) this.#fromMs = atMs;
    if (atMs > this.#toMs) this.#toMs = atMs;
  }

  finish(slicesMax = 120): Timeline {
    // Slices narrower than what was counted in would only show how it was counted.
    const counted = Math.floor((this.#toMs - this.#fromMs) / (2 * this.#rate.widthMs));
    const slices = Math.max(1, Math.min(slicesMax, counted));
    const seconds = Math.max(0.001, (this.#toMs - this.#fromMs) / 1000 / slices);
    return {
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      phases: this.#phases,
      lanes: this.#lanes,
      omitted: this.#omitted,
      marks: this.#marks,
      memory: [...this.#memory.values()],
      filesPerSecond: this.#rate.slices(this.#fromMs, this.#toMs, slices).map((files) => files / seconds),
    };
  }

  #scanEvent(event: JournalEvent, atMs: number): void {
    switch (event.type) {
      case 'scan.started':
        this.#phase('preflight', atMs);
        break;
      case 'scan.resumed':
        this.#closeAll(atMs);
        this.#phase('preflight', atMs);
        this.#mark('resumed', atMs, event.data.reason);
        break;
      case 'analysis.started':
      case 'chunk.planned':
        if (this.#phases.at(-1)?.kind === 'preflight') this.#phase('planning', atMs);
        break;
      case 'plan.finished':
      case 'scan.continued':
      case 'docker.regained':
        this.#phase('scanning', atMs);
        break;
      case 'scan.paused':
        this.#phase('paused', atMs);
        break;
      case 'docker.lost':
        this.#phase('engine-lost', atMs);
        break;
      case 'stall.detected':
        this.#mark('stall', atMs, `chunk ${event.data.chunk} stalled`);
        break;
      case 'chunk.failed':
        this.#mark('problem', atMs, `chunk ${event.data.chunk}: ${event.data.reason}`);
        break;
      case 'scan.interrupted':
        this.#mark('end', atMs, `stopped by ${event.data.signal}`);
        break;
      case 'scan.completed':
        this.#endPhase(atMs);
        this.#mark('end', atMs, event.data.outcome);
        break;
      default:
        break;
    }
  }

  #phase(kind: SpanKind, atMs: number): void {
    this.#endPhase(atMs);
    if (this.#phases.length < MARKS_MAX)
      this.#phases.push({ fromMs: atMs, toMs: null, kind, chunk: 0, attempt: 0 });
  }

  #endPhase(atMs: number): void {
    const phase = this.#phases.at(-1);
    if (phase?.toMs === null) phase.toMs = atMs;
  }

  #mark(kind: Mark['kind'], atMs: number, text: string): void {
    if (this.#marks.length < MARKS_MAX) this.#marks.push({ atMs, kind, text });
  }

  #start(chunk: number, attempt: number, atMs: number): void {
    if (chunk === 0) return;
    if (this.#spans >= SPANS_MAX) {
      this.#omitted += 1;
      return;
    }
    this.#spans += 1;
    const span: Span = { fromMs: atMs, toMs: null, kind: 'open', chunk, attempt };
    this.#open.set(chunk, span);
    const free = this.#lanes.find((lane) => lane.at(-1)?.toMs !== null);
    if (free === undefined) this.#lanes.push([span]);
    else free.push(span);
  }

  #end(chunk: number, atMs: number, kind: SpanKind): void {
    const span = this.#open.get(chunk);
    if (span === undefined) return;
    span.toMs = atMs;
    span.kind = kind;
    this.#open.delete(chunk);
  }

  /** A new coordinator: what ran under the last one ended nobody knows when. */
  #closeAll(atMs: number): void {
    for (const chunk of [...this.#open.keys()]) this.#end(chunk, atMs, 'stopped');
  }

  /** Also one that no health check has met. */
  #lastUsage({ chunk, lastUsage }: EventData<'container.exited'>): void {
    if (!lastUsage) return;
    const atMs = Date.parse(lastUsage.at);
    if (atMs <= (this.#memory.get(chunk)?.points.at(-1)?.atMs ?? 0)) return;
    this.#health(chunk, lastUsage.memoryBytes, lastUsage.memoryLimitBytes, atMs);
  }

  #health(chunk: number, bytes: number | null, limitBytes: number | null, atMs: number): void {
    if (bytes === null || bytes === 0 || chunk === 0) return; // 0: it was just ending
    let series = this.#memory.get(chunk);
    if (series === undefined) {
      if (this.#memory.size >= SERIES_MAX) return;
      series = { chunk, limitBytes, points: [] };
      this.#memory.set(chunk, series);
    }
    if (series.points.length >= POINTS_MAX)
      series.points = series.points.filter((_, index) => index % 2 === 0);
    series.points.push({ atMs, bytes });
  }
}

const STOPPED_CODE = 143;

function exitKind(exitCode: number | null): SpanKind {
  if (exitCode === 0) return 'good';
  return exitCode === STOPPED_CODE ? 'stopped' : 'bad';
}
