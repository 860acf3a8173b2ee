import { z } from 'zod';
import { bigCount, count, ofAttempt, pathText } from './common.js';
import { chunkRoot } from './chunk.js';

/** One entry that could not be read: `operation` is the system call, `code` its errno name. */
const problem = z.looseObject({ name: pathText, operation: z.string(), code: z.string() });
export type Problem = z.infer<typeof problem>;

/** [row, device, inode, links]: the row's index in `rows`, and what `lstat` says of a file with several names. */
const hardLink = z.tuple([count, bigCount, bigCount, bigCount]);

/** [row, bytes]: the row's index in `rows`, and what is allocated to a file where that is less than its size. */
const allocation = z.tuple([count, bigCount]);

/**
 * One directory, or one part of a big one. `rows` are the regular files, one cell per name in `columns`.
 * Only a part with `last: true` ends the listing; its four numbers are totals of the whole directory.
 * A directory that could not be listed has `last: false` and the problem of its own opening (name `''`).
 * `links` and `allocated` tell of those few rows to which they apply, and are left out where there are none;
 * `inodesUnstable` says that `links` stand on a file system whose inode numbers identify nothing (FUSE, network).
 */
const listedDirectory = z.looseObject({
  path: pathText,
  part: z.int().positive(),
  last: z.boolean(),
  rows: z.array(z.array(z.unknown())),
  problems: z.array(problem),
  entries: count.optional(),
  subdirectories: count.optional(),
  others: count.optional(),
  excluded: count.optional(),
  links: z.array(hardLink).optional(),
  inodesUnstable: z.boolean().optional(),
  allocated: z.array(allocation).optional(),
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
    ...ofAttempt,
    files: count,
    directories: count,
    bytes: bigCount,
    problems: count,
  }),
  /** Now and then while a file takes long to read: that nothing is recorded meanwhile is no stall. */
  'digest.progressed': z.looseObject({
    ...ofAttempt,
    path: pathText,
    bytesRead: bigCount,
    bytesTotal: bigCount,
  }),
  /** How many directories at once a worker found best by measuring; the coordinator says so as `worker.tuned`. */
  'walk.tuned': z.looseObject({
    ...ofAttempt,
    directoriesAtOnce: z.int().positive(),
  }),
  /** Written before `chunk.scanned`, once or several times, when a worker was asked to give away what it has not begun. */
  'chunk.yielded': z.looseObject({
    ...ofAttempt,
    remaining: z.array(chunkRoot),
  }),
} as const;
