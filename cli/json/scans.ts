import { z } from 'zod';
import { BIG, bigCount, count, MISSING_FILES, scanId, time } from './common.js';

const scan = z.object({
  scan: scanId,
  mountPath: z.string().nullable().describe('as the catalog shows paths; null: the journal has lost it'),
  mountName: z
    .string()
    .nullable()
    .describe('empty for the import of a former catalog; null: the journal has lost it'),
  startedAt: time.nullable().describe('null: not known'),
  endedAt: time.nullable().describe('null: not known, or not ended'),
  outcome: z.enum(['complete', 'complete-with-problems', 'incomplete', 'running', 'interrupted', 'killed']),
  files: count.describe('of one that has not ended: in its completed chunks, as are bytes'),
  bytes: bigCount.describe(`sum of the sizes of its files; ${BIG}`),
  journalBytes: count.describe("size of the scan's journal"),
  missingFiles: count.describe(MISSING_FILES),
  log: z.string().nullable().describe('the path of its newest log; null: there is none'),
});

export const scansSchema = z
  .object({ scans: z.array(scan).describe('the oldest first') })
  .describe('Every scan in the journal.');

export type ScansJson = z.infer<typeof scansSchema>;
