import type { ChecksumMode } from '../hash/sampling.js';

/** One directory to list. Paths are strings as in names.ts. */
export interface DirectoryJob {
  id: number;
  path: string;
  /** Whether its entries are to be recorded; if not, only its subdirectories are wanted (it was recorded before). */
  record: boolean;
  /** Whether its subdirectories are wanted. */
  descend: boolean;
  /** A root of the chunk, not a directory found by this walk. */
  isRoot: boolean;
}

/** How all directories of a chunk are listed. */
export interface ListerOptions {
  chunk: number;
  attempt: number;
  mountPath: string;
  /** `st_dev` it must have, decimal; null: any. */
  mountDevice: string | null;
  checksum: ChecksumMode;
  exclude: string[];
  /** Absolute. */
  excludeDirectories: string[];
  oneFileSystem: boolean;
  ioTimeoutMs: number;
}

/** What completely listed directories held, and problems of all. */
export interface Totals {
  directories: number;
  files: number;
  /** Apparent sizes. */
  bytes: bigint;
  problems: number;
}

/** Directories of one parent, found but not listed. Their names are joined by `/`, which no name holds. */
export interface FoundGroup {
  parent: string;
  names: string;
}

/** A file whose content takes long to read. */
export interface Reading {
  path: string;
  bytesRead: number;
  /** Of what is to be read of it. */
  bytesTotal: number;
}

/** One answer of a lister: the payload of a `files.batch` (or null) and which jobs are settled by it. */
export interface ListerAnswer {
  data: Uint8Array | null;
  totals: Totals;
  done: number[];
  found: FoundGroup[];
  /** Time that operations of this answer took, and their number: what tuning goes by. */
  operations: number;
  operationsMs: number;
  /** The same without stalls: see OperationClock. */
  steadyMs: number;
  /** Paths of those done that could not even be looked up in time. */
  timedOut: string[];
  /** Paths of those done that could not be listed. */
  failed: string[];
  /** Operations given up that still hold a thread. */
  stuck: number;
  /** How far the file in hand is, said now and then while that takes long. */
  reading: Reading | null;
}

export const OPERATIONS = ['lstat', 'opendir', 'readdir', 'open', 'read'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How often a file that changes while it is read is read again. */
export const CHANGED_RETRIES = 1;

/** What is listed is handed out after this long at the latest, however little: whoever is killed loses no more. */
export const RECORD_MS = 5000;

/** Words of the memory a listing thread shares with its watchdog. */
export const PROGRESS = {
  /** Grows with every system call. */
  beats: 0,
  /** The job in hand, 0 between lists. */
  jobId: 1,
  /** Index of the last system call in OPERATIONS. */
  operation: 2,
  /** Answers with records that are not on disk yet. */
  unread: 3,
  /** 1 while the thread waits for `unread` to fall. */
  waits: 4,
  words: 5,
} as const;

/** Answers with records on their way to disk at once: bounds the memory of both sides. */
export const UNREAD_MAX = 64;

export function noTotals(): Totals {
  return { directories: 0, files: 0, bytes: 0n, problems: 0 };
}

export function addTotals(sum: Totals, more: Totals): void {
  sum.directories += more.directories;
  sum.files += more.files;
  sum.bytes += more.bytes;
  sum.problems += more.problems;
}
