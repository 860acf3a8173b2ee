import { z } from 'zod';
import { bigCount, count, ofAttempt, pathText } from './common.js';

/** One place a chunk starts at: a directory with all below it, or only the files lying directly in it. */
export const chunkRoot = z.looseObject({ path: pathText, scope: z.enum(['subtree', 'files']) });
export type ChunkRoot = z.infer<typeof chunkRoot>;

const chunkReason = z.enum(['sized', 'fast-start', 'leaf', 'fallback', 'split']);
export type ChunkReason = z.infer<typeof chunkReason>;

const analysisOutcome = z.enum(['sized', 'timed-out', 'failed', 'skipped']);
export type AnalysisOutcome = z.infer<typeof analysisOutcome>;

/** Planning, and what became of each chunk. */
export const chunkEvents = {
  'analysis.started': z.looseObject({ directory: pathText }),
  'analysis.finished': z.looseObject({
    directory: pathText,
    outcome: analysisOutcome,
    files: count,
    bytes: bigCount,
    seconds: z.number().nonnegative(),
  }),
  'chunk.planned': z.looseObject({
    chunk: z.int().positive(),
    roots: z.array(chunkRoot),
    reason: chunkReason,
    estimatedFiles: count,
    estimatedBytes: bigCount,
    /** A part of a chunk that kept failing: planned to find what poisons it. */
    isolating: z.boolean().optional(),
  }),
  /** Planning has ended: every entry of the mount belongs to one of so many chunks. */
  'plan.finished': z.looseObject({ chunks: count }),
  'chunk.split': z.looseObject({ chunk: z.int().positive(), into: z.array(z.int().positive()) }),
  'chunk.completed': z.looseObject({
    ...ofAttempt,
    files: count,
    directories: count,
    bytes: bigCount,
    problems: count,
    /** Subdirectories that its complete listings name, and directories that have an entry, listed or not. */
    coverage: z.looseObject({ subdirectories: count, entered: count }).optional(),
  }),
  'chunk.failed': z.looseObject({
    ...ofAttempt,
    reason: z.string(),
    willRetry: z.boolean(),
  }),
  'worker.tuned': z.looseObject({ chunk: z.int().positive(), directoriesAtOnce: z.int().positive() }),
} as const;
