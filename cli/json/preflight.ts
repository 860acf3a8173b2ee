import { z } from 'zod';

export const preflightSchema = z
  .object({
    ok: z.boolean().describe('whether a scan can begin'),
    checks: z
      .array(
        z.object({
          check: z.string().describe('what was looked at, for example mount, data-dir, engine'),
          ok: z.boolean(),
          detail: z.string().describe('what was found'),
          advice: z.string().describe('what to do; empty: nothing; with ok it is a warning'),
          code: z.string().nullable().describe('the finding of diagnose that it leads to; null: all is well'),
          device: z.string().optional().describe("of the check mount: the mount's st_dev, decimal"),
        }),
      )
      .describe('in the order they were made; one that fails can end the list'),
  })
  .describe('Every check of a scan, without scanning.');

export type PreflightJson = z.infer<typeof preflightSchema>;
