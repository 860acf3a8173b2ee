import { z } from 'zod';
import { count, scanId } from './common.js';

export const repairSchema = z
  .object({
    dryRun: z.boolean().describe('true: this is what would be done'),
    quarantineDir: z.string().describe('where the copies lie'),
    cut: count.describe('steps that cut bytes off'),
    bytes: count.describe('bytes of all steps'),
    steps: z.array(
      z.object({
        scan: scanId,
        file: z.string().describe("relative to the journal's folder"),
        fromByte: count,
        toByte: count.describe('exclusive'),
        quarantine: z.string().describe("the copy's name, relative to quarantineDir"),
        cut: z
          .boolean()
          .describe('cut off behind the copy; false: they stay, because sound records follow or are missing'),
      }),
    ),
    refused: z
      .array(z.object({ scan: scanId, file: z.string().describe("relative to the journal's folder") }))
      .describe(
        'left as they are, because a newer program began them: for that one, or a newer one, to repair',
      ),
  })
  .describe('Bad bytes of the journal that were copied to quarantine, and cut off where that loses nothing.');

export type RepairJson = z.infer<typeof repairSchema>;
