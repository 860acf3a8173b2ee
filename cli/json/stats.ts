import { z } from 'zod';
import { BIG, bigCount } from './common.js';

const totals = {
  files: bigCount.describe(`files; ${BIG}`),
  bytes: bigCount.describe(`sum of their sizes; ${BIG}`),
};

const fileLine = z.object({
  path: z.string(),
  size: bigCount.describe(`bytes; ${BIG}`),
  mtime: z.number().nullable().describe('last change, Unix seconds with their fraction; null: not known'),
});

const disk = z.object({
  bytesOnDisk: bigCount.describe(
    `the sum of all sizes without further names of the same file, holes and what compression saves; ${BIG}`,
  ),
  hardLinks: z.object({
    paths: bigCount.describe('paths of files with several names'),
    repeatedBytes: bigCount.describe(`what they count beyond the first of each file; ${BIG}`),
    unidentified: bigCount.describe('of paths: where inode numbers identify nothing, each counts in full'),
  }),
  sparse: z.object({
    files: bigCount.describe('files with holes, or compressed'),
    apparentBytes: bigCount.describe(`their sizes; ${BIG}`),
    allocatedBytes: bigCount.describe(`what is allocated for them; ${BIG}`),
  }),
});

export const statsSchema = z
  .object({
    ...totals,
    disk: disk.nullable().describe('null: the catalog does not know'),
    mounts: z.array(z.object({ name: z.string(), ...totals })).describe('the biggest first'),
    types: z
      .array(
        z.object({
          type: z.string().describe('photos, videos, music, documents, archives, disk_images or other'),
          ...totals,
        }),
      )
      .describe('the biggest first'),
    largestDirectories: z
      .array(z.object({ path: z.string(), ...totals }))
      .describe(
        'by the bytes of the files lying directly in them; at most 2^63-1 each, which is all SQLite holds; at most 10, as below',
      ),
    largestFiles: z.array(fileLine),
    newest: z.array(fileLine),
    oldest: z.array(fileLine),
  })
  .describe("The catalog's totals.");

export type StatsJson = z.infer<typeof statsSchema>;
