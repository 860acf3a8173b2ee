import type { ChunkReason, ChunkRoot, EventData } from '../../journal/events/index.js';

/** What earlier scans of a mount know of a directory with all below it. */
export interface DirectoryHistory {
  files: number;
  /** Apparent sizes. */
  bytes: number;
  /** Time its listing took. */
  seconds: number;
}

/**
 * What was learned of a mount. A directory with a history is not measured again: its numbers are estimates for
 * grouping, order and ETA, while what is in which chunk always comes from what is there now. Keeping the
 * directories of the upper levels is enough: what lies below a directory no bigger than a chunk is never asked for.
 */
export interface PlanHistory {
  /** @param path absolute, a string as in walk/names.ts */
  of(path: string): DirectoryHistory | undefined;
}

export interface PlanOptions {
  /** Absolute. */
  mountPath: string;
  /** A directory above this is split. */
  chunkBytes: number;
  /** Per top-level directory. */
  analysisTimeoutMs: number;
  /** Per file-system operation. */
  ioTimeoutMs: number;
  /** Plan from the top-level listing alone. */
  fastStart: boolean;
  exclude: readonly string[];
  /** Absolute folders never entered. */
  excludeDirectories: readonly string[];
  oneFileSystem: boolean;
  /** Workers at once. */
  slots: number;
  history?: PlanHistory;
  /** Workers that could start right now and have nothing to do. */
  idleSlots(): number;
  /** Directories that workers have listed completely so far. */
  directoriesListed?(): number;
  signal: AbortSignal;
}

export interface PlannedChunk {
  roots: ChunkRoot[];
  reason: ChunkReason;
  estimatedFiles: number;
  estimatedBytes: number;
}

export type PlanStep =
  | { type: 'analysis.started'; data: EventData<'analysis.started'> }
  | { type: 'analysis.finished'; data: EventData<'analysis.finished'> }
  | ({ type: 'chunk' } & PlannedChunk);
