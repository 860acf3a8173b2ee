import type { EventData, EventType } from '../../journal/events/index.js';

export type LogLevel = 'INFO' | 'WARNING' | 'ERROR';

export interface LogLine {
  level: LogLevel;
  text: string;
  /** A line for a shell: what is done to its text must leave it pasteable. */
  isCommand?: boolean;
}

export type LogHandler<T extends EventType> = (
  data: EventData<T>,
  state: LogState,
  atMs: number,
) => LogLine[];

/** How each event reads; a type without an entry leaves no line. */
export type LogHandlers = { readonly [T in EventType]?: LogHandler<T> };

/** What the log remembers between events. */
export interface LogState {
  mountPath: string;
  /** null: this log has not seen the beginning. */
  startedAtMs: number | null;
  resumedAtMs: number | null;
  stopping: boolean;
  /** It waits for room on the disk of its journal. */
  paused: boolean;
  /** Files recorded, by chunk, as last heard. */
  filesByChunk: Map<number, number>;
  /** Total files at each past health round, oldest first; only the last five minutes are kept. */
  rounds: { atMs: number; files: number }[];
  /** Chunks with a running worker, and of these the ones not yet checked in this round of health checks. */
  running: Set<number>;
  unchecked: Set<number>;
  attempts: number;
  failedAttempts: number;
  healthChecks: number;
  peakMemoryBytes: number;
  /** Unreadable entries logged so far. */
  unreadable: number;
}

export function newLogState(): LogState {
  return {
    mountPath: '',
    startedAtMs: null,
    resumedAtMs: null,
    stopping: false,
    paused: false,
    filesByChunk: new Map(),
    rounds: [],
    running: new Set(),
    unchecked: new Set(),
    attempts: 0,
    failedAttempts: 0,
    healthChecks: 0,
    peakMemoryBytes: 0,
    unreadable: 0,
  };
}

export function info(text: string): LogLine {
  return { level: 'INFO', text };
}

export function warning(text: string): LogLine {
  return { level: 'WARNING', text };
}

export function alarm(text: string): LogLine {
  return { level: 'ERROR', text };
}

export function totalFiles(state: LogState): number {
  let files = 0;
  for (const count of state.filesByChunk.values()) files += count;
  return files;
}
