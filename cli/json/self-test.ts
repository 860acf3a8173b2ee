import { z } from 'zod';
import { seconds } from './common.js';

export const selfTestSchema = z
  .object({
    ok: z.boolean().describe('all checks passed'),
    seconds: seconds.describe('seconds all of them took'),
    checks: z.array(
      z.object({
        check: z.string(),
        ok: z.boolean(),
        detail: z.string().describe('what was seen, or what is wrong'),
        seconds,
      }),
    ),
  })
  .describe('What was proven on a throw-away directory.');

export type SelfTestJson = z.infer<typeof selfTestSchema>;
