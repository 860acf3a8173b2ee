import { z } from 'zod';
import { BIG, bigCount, chunkCounts, count, scanId, seconds } from './common.js';

export const scanSchema = z
  .object({
    scan: scanId,
    outcome: z.enum(['complete', 'complete-with-problems', 'incomplete']),
    files: count.describe('regular files found'),
    directories: count.describe('directories listed completely'),
    bytes: bigCount.describe(`sum of the sizes of all files; ${BIG}`),
    bytesOnDisk: bigCount
      .nullable()
      .describe(
        `bytes, files with several names once, holes not at all; null where the catalog does not know; ${BIG}`,
      ),
    problems: count.describe('entries that could not be read'),
    chunks: chunkCounts,
    seconds: seconds.describe(
      'seconds that this run took; what an earlier run of the scan took is not in it',
    ),
    engine: z.enum(['docker', 'process']).describe('what ran the workers'),
    catalog: z.string().describe("the catalog's path"),
    journal: z.string().describe("the folder of this scan's journal"),
    log: z.string().describe("the path of this run's log"),
  })
  .describe('How a scan ended; of one that was interrupted, what it had found by then.');

export type ScanJson = z.infer<typeof scanSchema>;
