import type { BigCount, PathText } from '../journal/events/index.js';

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
