import { z } from 'zod';
import { scanId } from './common.js';

const container = z.object({
  name: z.string(),
  id: z.string().describe("the engine's id of the container"),
  scan: scanId,
});

export const cleanupSchema = z
  .object({
    removed: z.array(
      container.extend({
        journaled: z
          .boolean()
          .describe('whether its end is in the journal of its scan, which has to be here and whole'),
      }),
    ),
    kept: z
      .array(container.extend({ reason: z.string() }))
      .describe('ours by label, but not ours to remove, or not removable (then the exit code is 1)'),
  })
  .describe('Containers of dead scans that were removed, and those that were left alone.');

export type CleanupJson = z.infer<typeof cleanupSchema>;
