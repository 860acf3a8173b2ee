import { z } from 'zod';
import { bigCount, count, pathText } from './common.js';
import { chunkRoot } from './chunk.js';

/** One entry that could not be read: `operation` is the system call, `code` its errno name. */
export const problem = z.looseObject({ name: pathText, operation: z.string(), code: z.string() });
export type Problem = z.infer<typeof problem>;

/**
 * One directory, or one part of a big one. `rows` are the regular files, one cell per name in `columns`.
 * Only a part with `last: true` ends the listing; its four numbers are totals of the whole directory.
 * A directory that could not be listed has `last: false` and the problem of its own opening (name `''`).
 */
export const listedDirectory = z.looseObject({
  path: pathText,
  part: z.int().positive(),
  last: z.boolean(),
  rows: z.array(z.array(z.unknown())),
  problems: z.array(problem),
  entries: count.optional(),
  subdirectories: count.optional(),
  others: count.optional(),
  excluded: count.optional(),
});
export type ListedDirectory = z.infer<typeof listedDirectory>;

/** What workers (and the import of a former catalog, as chunk 0) write. */
export const filesEvents = {
  'files.batch': z.looseObject({
    chunk: count,
    attempt: count,
    columns: z.array(z.string()),
    directories: z.array(listedDirectory),
  }),
  'chunk.scanned': z.looseObject({
    chunk: z.int().positive(),
    attempt: z.int().positive(),
    files: count,
    directories: count,
    bytes: bigCount,
    problems: count,
  }),
  /** Written before `chunk.scanned` when a worker was asked to give away what it has not begun. */
  'chunk.yielded': z.looseObject({
    chunk: z.int().positive(),
    attempt: z.int().positive(),
    remaining: z.array(chunkRoot),
  }),
} as const;
