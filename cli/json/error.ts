import { z } from 'zod';

export const errorSchema = z
  .object({
    error: z.string().describe('what is wrong, in one line'),
    hint: z.string().optional().describe('what to do, where that is known'),
  })
  .describe(
    'What any command prints instead of its own object when it cannot do its work; the exit code tells why.',
  );

export type ErrorJson = z.infer<typeof errorSchema>;
