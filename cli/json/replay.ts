import { z } from 'zod';
import { count, seconds } from './common.js';

export const replaySchema = z
  .object({
    scans: count.describe('scans that were replayed'),
    records: count.describe('records that went into the catalog'),
    files: count.describe('rows of the table files'),
    skipped: count.describe('records of kinds that this program does not know'),
    seconds: seconds.describe('seconds it took'),
    catalog: z.string().describe('where the catalog is, absolute'),
    sound: z.boolean().describe('false: the journal is not, exit code 5; all that is readable was replayed'),
  })
  .describe('A catalog that was built again from the journal.');

export type ReplayJson = z.infer<typeof replaySchema>;
