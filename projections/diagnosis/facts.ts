import type { ChunkReason, EventData, Host, JournalEvent, PathText } from '../../journal/events/index.js';
import { AttemptJudge } from './attempts.js';
import { IncidentBook } from './incidents.js';
import { codeOfCheck } from './preflight-codes.js';
import type { Evidence } from './types.js';
import { OPENS_EPOCH } from './write-watch.js';

/** Roots kept to tell where a chunk lies. */
const ROOTS_KEPT_MAX = 3;

export interface ChunkFacts {
  chunk: number;
  /** `split`: what its attempts had not listed is for the chunks it was cut into. */
  state: 'planned' | 'running' | 'waiting' | 'completed' | 'split' | 'failed';
  reason: ChunkReason;
  roots: { path: PathText; scope: string }[];
  rootsCount: number;
  attempts: number;
  planned: Evidence;
}

/** Whether nothing is left to do for a chunk itself. */
export function isDone({ state }: Pick<ChunkFacts, 'state'>): boolean {
  return state === 'completed' || state === 'split';
}

/** One life of the coordinator: from `scan.started` or `scan.resumed` to its last word. */
export interface Run {
  host: Host;
  begun: Evidence;
  /** The last record the coordinator wrote in it. */
  last: Evidence;
  end: 'completed' | 'interrupted' | null;
}

export interface CheckFacts {
  data: EventData<'preflight.checked'>;
  evidence: Evidence;
}

/** What the coordinator's journal says, folded for diagnosis. */
export class ScanFacts {
  readonly incidents = new IncidentBook();
  readonly attempts = new AttemptJudge(this.incidents);
  readonly chunks = new Map<number, ChunkFacts>();
  readonly runs: Run[] = [];
  /** Checks of the last run, by name; a later run's replace an earlier one's. */
  readonly checks = new Map<string, CheckFacts>();
  started: EventData<'scan.started'> | null = null;
  completed: { data: EventData<'scan.completed'>; evidence: Evidence } | null = null;
  interrupted: { signal: string; evidence: Evidence } | null = null;
  paused: { reason: string; evidence: Evidence } | null = null;
  planFinished = false;
  catalogTrouble: { code: string; detail: string; evidence: Evidence } | null = null;
  /** A repair or a cleanup is writing. */
  #isAfterwards = false;
  lowestFreeBytes: { bytes: number; evidence: Evidence } | null = null;

  push(event: JournalEvent, evidenceOf: (text: string) => Evidence): void {
    this.#noteLast(event, evidenceOf);
    if (event.type === 'container.started' || event.type === 'process.started') this.#setRunning(event.data);
    if (this.attempts.push(event, evidenceOf)) return;
    if (event.type.startsWith('chunk.') || event.type.startsWith('analysis.'))
      this.#chunkEvent(event, evidenceOf);
    else if (event.type.startsWith('catalog.')) this.#catalogEvent(event, evidenceOf);
    else this.#scanEvent(event, evidenceOf);
  }

  /** What a resume, a repair or a cleanup writes is in an epoch of its own: the run it came after ended before. */
  #noteLast(event: JournalEvent, evidenceOf: (text: string) => Evidence): void {
    const opens = event.type === 'segment.opened' && event.data.segment === 1;
    if (opens || OPENS_EPOCH.has(event.type)) this.#isAfterwards = !opens;
    else if (!this.#isAfterwards) {
      const run = this.runs.at(-1);
      if (run !== undefined) run.last = evidenceOf(event.type);
    }
  }

  #scanEvent(event: JournalEvent, evidenceOf: (text: string) => Evidence): void {
    switch (event.type) {
      case 'scan.started':
        this.started = event.data;
        this.#begin(event.data.host, evidenceOf(`the scan of it began on ${event.data.host.hostname}`));
        break;
      case 'scan.resumed':
        this.#begin(event.data.host, evidenceOf(`the scan was taken up again: ${event.data.reason}`));
        break;
      case 'scan.paused':
        this.paused = { reason: event.data.reason, evidence: evidenceOf(`paused: ${event.data.reason}`) };
        this.#pausedBy(event.data.reason, this.paused.evidence);
        break;
      case 'scan.continued':
        this.paused = null;
        break;
      case 'scan.interrupted':
        this.interrupted = {
          signal: event.data.signal,
          evidence: evidenceOf(`stopped by ${event.data.signal}`),
        };
        this.incidents.add('scan.interrupted', {
          evidence: this.interrupted.evidence,
          detail: event.data.signal,
        });
        this.#end('interrupted');
        break;
      case 'scan.completed':
        this.completed = { data: event.data, evidence: evidenceOf(`the scan ended: ${event.data.outcome}`) };
        this.#end('completed');
        break;
      case 'preflight.checked':
        this.#check(event.data, evidenceOf);
        break;
      case 'plan.finished':
        this.planFinished = true;
        break;
      case 'health.checked':
        this.#health(event.data, evidenceOf);
        break;
      default:
        break;
    }
  }

  #begin(host: Host, begun: Evidence): void {
    this.#isAfterwards = false;
    this.runs.push({ host, begun, last: begun, end: null });
    this.completed = null;
    this.interrupted = null;
    this.paused = null;
    this.checks.clear();
    this.attempts.beginRun();
    for (const chunk of this.chunks.values()) {
      if (chunk.state === 'running' || chunk.state === 'failed') chunk.state = 'waiting';
    }
  }

  #end(end: 'completed' | 'interrupted'): void {
    const run = this.runs.at(-1);
    if (run !== undefined) run.end = end;
    this.attempts.stopping = end === 'interrupted';
  }

  #pausedBy(reason: string, evidence: Evidence): void {
    if (/ENOSPC|EDQUOT|full|no space|quota/i.test(reason))
      this.incidents.add('disk.full', { evidence, detail: reason });
  }

  #check(data: EventData<'preflight.checked'>, evidenceOf: (text: string) => Evidence): void {
    const evidence = evidenceOf(`check ${data.check}: ${data.detail}`);
    this.checks.set(data.check, { data, evidence });
    const code = codeOfCheck(data);
    if (code !== null) this.incidents.add(code, { evidence, chunk: 0, detail: data.detail });
  }

  #chunkEvent(event: JournalEvent, evidenceOf: (text: string) => Evidence): void {
    switch (event.type) {
      case 'chunk.planned':
        this.#planned(event.data, evidenceOf(`chunk ${event.data.chunk} planned (${event.data.reason})`));
        break;
      case 'chunk.completed':
        this.#setState(event.data.chunk, 'completed');
        break;
      case 'chunk.split':
        this.#setState(event.data.chunk, 'split');
        break;
      case 'chunk.failed':
        this.#setState(event.data.chunk, event.data.willRetry ? 'waiting' : 'failed');
        this.attempts.chunkFailed(event.data, evidenceOf);
        break;
      case 'analysis.finished':
        this.#analysed(event.data, evidenceOf);
        break;
      default:
        break;
    }
  }

  #planned(data: EventData<'chunk.planned'>, evidence: Evidence): void {
    this.chunks.set(data.chunk, {
      chunk: data.chunk,
      state: 'planned',
      reason: data.reason,
      roots: data.roots.slice(0, ROOTS_KEPT_MAX).map(({ path, scope }) => ({ path, scope })),
      rootsCount: data.roots.length,
      attempts: 0,
      planned: evidence,
    });
    if (data.reason === 'fallback') this.incidents.add('analysis.fallback', { evidence, chunk: data.chunk });
  }

  #setRunning(data: EventData<'container.started'>): void {
    const chunk = this.chunks.get(data.chunk);
    if (chunk === undefined) return;
    chunk.state = 'running';
    chunk.attempts = data.attempt;
  }

  #setState(chunk: number, state: ChunkFacts['state']): void {
    const known = this.chunks.get(chunk);
    if (known !== undefined) known.state = state;
  }

  #analysed(data: EventData<'analysis.finished'>, evidenceOf: (text: string) => Evidence): void {
    if (data.outcome !== 'timed-out') return;
    const where = typeof data.directory === 'string' ? data.directory : '';
    const evidence = evidenceOf(`measuring a directory took longer than ${data.seconds.toFixed(0)} s`);
    this.incidents.add('analysis.timed-out', { evidence, detail: where });
  }

  #health(data: EventData<'health.checked'>, evidenceOf: (text: string) => Evidence): void {
    this.attempts.health(data, evidenceOf);
    const bytes = data.journalFreeBytes;
    if (bytes === null || bytes >= (this.lowestFreeBytes?.bytes ?? Infinity)) return;
    this.lowestFreeBytes = { bytes, evidence: evidenceOf(`${bytes} bytes free for the journal`) };
  }

  #catalogEvent(event: JournalEvent, evidenceOf: (text: string) => Evidence): void {
    if (event.type === 'catalog.recovered' || event.type === 'catalog.opened') this.catalogTrouble = null;
    else if (event.type === 'catalog.troubled') {
      const { code, detail } = event.data;
      const evidence = evidenceOf(detail);
      this.catalogTrouble = { code, detail, evidence };
      this.incidents.add(code, { evidence, detail });
    }
  }
}
