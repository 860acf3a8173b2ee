import type { BigCount, EventData, PathText } from '../journal/events/index.js';

export type ChunkState = 'planned' | 'running' | 'waiting' | 'completed' | 'split' | 'failed';

/** Whether nothing is to come from a chunk any more: what was left of a split one is for those it was cut into. */
export function isOver(state: ChunkState): boolean {
  return state === 'completed' || state === 'split' || state === 'failed';
}

/** One chunk as last heard. `files` and `bytes` count what its attempts recorded, exactly once it is completed. */
export interface ChunkStatus {
  chunk: number;
  state: ChunkState;
  attempt: number;
  name: string;
  id: string;
  files: number;
  bytes: bigint;
  problems: number;
  estimatedFiles: number;
  estimatedBytes: number;
  /** Whether the estimate is of all that was planned for it. */
  isSized: boolean;
  /** Directory its worker listed last. */
  directory: PathText | null;
  /** The file it has been reading for long; null: none. */
  reading: { path: PathText; bytesRead: BigCount; bytesTotal: BigCount } | null;
  startedAtMs: number;
  progressAtMs: number;
  cpuPercent: number | null;
  memoryBytes: number | null;
  memoryLimitBytes: number | null;
  responsive: boolean;
}

/** A chunk that is being worked at. */
export interface WorkerStatus extends ChunkStatus {
  /** Of the last 30 s, or since its worker started. */
  filesPerSecond: number;
  /** Since its worker started. */
  seconds: number;
}

/** A chunk that was planned and nothing else yet. */
export function newChunk(chunk: number): ChunkStatus {
  return {
    chunk,
    state: 'planned',
    attempt: 0,
    name: '',
    id: '',
    files: 0,
    bytes: 0n,
    problems: 0,
    estimatedFiles: 0,
    estimatedBytes: 0,
    isSized: false,
    directory: null,
    reading: null,
    startedAtMs: 0,
    progressAtMs: 0,
    cpuPercent: null,
    memoryBytes: null,
    memoryLimitBytes: null,
    responsive: true,
  };
}

export function planned(chunk: ChunkStatus, data: EventData<'chunk.planned'>): void {
  chunk.estimatedFiles = data.estimatedFiles;
  chunk.estimatedBytes = Number(data.estimatedBytes);
  // Whatever else makes a chunk, it holds directories that nobody has measured to their end.
  chunk.isSized = data.reason === 'sized';
}

export function workerStarted(chunk: ChunkStatus, data: EventData<'container.started'>, atMs: number): void {
  const { attempt, name, id } = data;
  // What the last worker used, and whether it answered, says nothing of this one.
  const unknown = { cpuPercent: null, memoryBytes: null, memoryLimitBytes: null, responsive: true };
  const began = { state: 'running' as const, startedAtMs: atMs, progressAtMs: atMs };
  Object.assign(chunk, { attempt, name, id, reading: null }, began, unknown);
}

/** Of the file that its worker has been reading for long. */
export function bytesRead({ reading }: Pick<ChunkStatus, 'reading'>): number {
  return reading === null ? 0 : Number(reading.bytesRead);
}

/** Returns the bytes read since it was last heard of. */
export function readOn(chunk: ChunkStatus, data: EventData<'digest.progressed'>, atMs: number): number {
  const { path, bytesRead: read, bytesTotal } = data;
  const before = chunk.reading?.path === path ? bytesRead(chunk) : 0;
  chunk.reading = { path, bytesRead: read, bytesTotal };
  chunk.progressAtMs = Math.max(chunk.progressAtMs, atMs);
  return Math.max(0, Number(read) - before);
}

export function healthChecked(chunk: ChunkStatus, data: EventData<'health.checked'>): void {
  const { cpuPercent, memoryBytes, memoryLimitBytes, responsive } = data;
  Object.assign(chunk, { cpuPercent, memoryBytes, memoryLimitBytes, responsive });
}
