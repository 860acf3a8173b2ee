import type {
  ChunkReason,
  ChunkRoot,
  EventData,
  JournalEvent,
  ScanOutcome,
} from '../../journal/events/index.js';
import { chunkOfWriter } from '../../journal/segments.js';

/** What was found, each directory's last complete listing counted once. */
export interface Totals {
  files: number;
  directories: number;
  bytes: bigint;
  problems: number;
}

export const NO_TOTALS: Totals = { files: 0, directories: 0, bytes: 0n, problems: 0 };

export function addTotals(a: Totals, b: Totals): Totals {
  return {
    files: a.files + b.files,
    directories: a.directories + b.directories,
    bytes: a.bytes + b.bytes,
    problems: a.problems + b.problems,
  };
}

export interface Chunk {
  id: number;
  roots: ChunkRoot[];
  reason: ChunkReason;
  estimatedFiles: number;
  estimatedBytes: bigint;
  /** A part of a chunk that kept failing. */
  isolating: boolean;
  /** `split`: ended, and what it had not listed is in other chunks. */
  status: 'planned' | 'running' | 'completed' | 'split' | 'failed';
  /** A part of it went into other chunks. */
  wasSplit: boolean;
  /** Attempts begun, over all resumptions. */
  attempts: number;
  /** Attempts that ended badly since this coordinator began; stops on request do not count. */
  failures: number;
  /** Name of the worker that was requested last, as long as nothing more is told of it. */
  requested: string | null;
  /** The id the engine gave the running attempt. */
  workerId: string | null;
  /** Highest epoch that its writer is known to have had: its files may be gone, their names are not free again. */
  epoch: number;
  /** One of its attempts was killed for memory. */
  outOfMemory: boolean;
  totals: Totals;
  /** Of a completed chunk: subdirectories its listings name, and directories that have an entry. */
  coverage: Coverage | null;
}

/** A container that was started and whose removal is not journaled. */
export interface StartedContainer {
  name: string;
  chunk: number;
  attempt: number;
  /** How it ended is in the journal. */
  exited: boolean;
}

export interface Coverage {
  subdirectories: number;
  entered: number;
}

/** All that the coordinator has decided and learned, folded from its own journal. */
export interface ScanState {
  started: EventData<'scan.started'> | null;
  chunks: Map<number, Chunk>;
  /** By id. */
  containers: Map<string, StartedContainer>;
  /** Planning ended, so whatever is in no chunk appeared later. */
  planned: boolean;
  /** Why it waits: the disk of the journal is full. null: it does not. */
  pausedBecause: string | null;
  outcome: ScanOutcome | null;
  /** Boot the scan last ran in. */
  bootId: string;
}

export function initialState(): ScanState {
  return {
    started: null,
    chunks: new Map(),
    containers: new Map(),
    planned: false,
    pausedBecause: null,
    outcome: null,
    bootId: '',
  };
}

function change(state: ScanState, id: number, change: Partial<Chunk>): ScanState {
  const chunk = state.chunks.get(id);
  if (chunk !== undefined) state.chunks.set(id, { ...chunk, ...change });
  return state;
}

/** Applies one event of the coordinator. Owns `state`: the maps inside are reused. */
export function evolve(state: ScanState, event: JournalEvent): ScanState {
  noteContainer(state.containers, event);
  return evolveScan(state, event);
}

function noteContainer(containers: ScanState['containers'], event: JournalEvent): void {
  switch (event.type) {
    case 'container.started':
    case 'container.adopted': {
      const { id, name, chunk, attempt } = event.data;
      containers.set(id, { name, chunk, attempt, exited: false });
      break;
    }
    case 'container.exited': {
      const known = containers.get(event.data.id);
      if (known !== undefined) known.exited = true;
      break;
    }
    case 'container.removed':
      containers.delete(event.data.id);
      break;
    default:
      break;
  }
}

/** The scan as a whole; what is told of its chunks goes on to the next. */
function evolveScan(state: ScanState, event: JournalEvent): ScanState {
  switch (event.type) {
    case 'scan.started':
      return { ...state, started: event.data, bootId: event.data.host.bootId };
    case 'scan.resumed':
      for (const chunk of state.chunks.values()) {
        if (chunk.status !== 'completed' && chunk.status !== 'split')
          change(state, chunk.id, { status: 'planned', failures: 0 });
      }
      return { ...state, outcome: null, pausedBecause: null, bootId: event.data.host.bootId };
    case 'scan.paused':
      return { ...state, pausedBecause: event.data.reason };
    case 'scan.continued':
      return { ...state, pausedBecause: null };
    case 'scan.completed':
      return { ...state, outcome: event.data.outcome };
    case 'plan.finished':
      return { ...state, planned: true };
    default:
      return evolveChunk(state, event);
  }
}

function evolveChunk(state: ScanState, event: JournalEvent): ScanState {
  switch (event.type) {
    case 'chunk.planned': {
      const { chunk, roots, reason, estimatedFiles, estimatedBytes, isolating = false } = event.data;
      state.chunks.set(chunk, {
        id: chunk,
        roots,
        reason,
        estimatedFiles,
        estimatedBytes: BigInt(estimatedBytes),
        isolating,
        status: 'planned',
        wasSplit: false,
        attempts: 0,
        failures: 0,
        requested: null,
        workerId: null,
        epoch: 0,
        outOfMemory: false,
        totals: NO_TOTALS,
        coverage: null,
      });
      return state;
    }
    case 'chunk.completed': {
      const { files, directories, bytes, problems, coverage = null } = event.data;
      const totals = { files, directories, bytes: BigInt(bytes), problems };
      return change(state, event.data.chunk, { status: 'completed', workerId: null, totals, coverage });
    }
    case 'chunk.split':
      return change(state, event.data.chunk, { status: 'split', wasSplit: true, workerId: null });
    case 'chunk.failed': {
      const failures = (state.chunks.get(event.data.chunk)?.failures ?? 0) + 1;
      const status = event.data.willRetry ? 'planned' : 'failed';
      return change(state, event.data.chunk, {
        status,
        failures,
        workerId: null,
        totals: NO_TOTALS,
        coverage: null,
      });
    }
    default:
      return evolveAttempt(state, event);
  }
}

/** How it goes with the attempt at a chunk that was requested last. */
function evolveAttempt(state: ScanState, event: JournalEvent): ScanState {
  switch (event.type) {
    case 'container.requested':
    case 'process.requested':
      return change(state, event.data.chunk, {
        status: 'running',
        attempts: event.data.attempt,
        requested: event.data.name,
        workerId: null,
      });
    case 'container.start-failed':
    case 'process.start-failed':
      return change(state, event.data.chunk, { requested: null });
    case 'container.adopted':
      return change(state, event.data.chunk, {
        status: 'running',
        requested: null,
        workerId: event.data.id,
      });
    case 'container.started':
    case 'process.started':
      return change(state, event.data.chunk, { requested: null, workerId: event.data.id });
    case 'container.exited':
    case 'process.exited': {
      // One that was swept says nothing about the attempt that runs by now.
      const chunk = state.chunks.get(event.data.chunk);
      if (chunk?.attempts !== event.data.attempt) return state;
      const outOfMemory = chunk.outOfMemory || event.data.oomKilled;
      return change(state, chunk.id, { outOfMemory, workerId: null });
    }
    case 'writer.progressed':
    case 'writer.settled': {
      const chunk = state.chunks.get(chunkOfWriter(event.data.writer) ?? 0);
      const epoch = Math.max(chunk?.epoch ?? 0, event.data.epoch);
      return chunk === undefined ? state : change(state, chunk.id, { epoch });
    }
    default:
      return state;
  }
}

export function totalsOf(state: ScanState): Totals {
  return [...state.chunks.values()].reduce((sum, chunk) => addTotals(sum, chunk.totals), NO_TOTALS);
}

/** What was planned either completes or fails; a chunk that was cut without that stands in its parts. */
export function chunkCounts(state: ScanState): EventData<'scan.completed'>['chunks'] {
  const all = [...state.chunks.values()];
  const count = (status: Chunk['status']): number => all.filter((chunk) => chunk.status === status).length;
  const split = count('split');
  const counts = { planned: all.length - split, completed: count('completed'), failed: count('failed') };
  return split === 0 ? counts : { ...counts, split };
}
