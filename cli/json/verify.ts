import { z } from 'zod';
import { count, scanId } from './common.js';

const segment = z.object({
  scan: scanId,
  file: z.string().describe("relative to the journal's folder"),
  writer: z.string().describe('coordinator, worker-NNNN (NNNN: its chunk) or import'),
  epoch: count.describe('from 1: grows when the writer starts anew'),
  segment: count.describe('from 1 in each epoch'),
  state: z
    .enum(['sealed', 'open', 'torn', 'damaged', 'lost'])
    .describe('torn is normal after a crash; damaged and lost are not sound'),
  records: count.describe('valid records that count'),
  goodBytes: count.describe('bytes of valid records'),
  badBytes: count.describe('bytes that are no record of this file'),
  lost: z
    .array(z.object({ fromSeq: count, toSeq: count }))
    .describe('acknowledged records that are missing, both ends included'),
  badRanges: z
    .array(
      z.object({
        fromByte: count,
        toByte: count.describe('exclusive'),
        unreadable: z
          .string()
          .nullable()
          .describe("errno's name where the disk does not give some of them; null: readable, but no records"),
      }),
    )
    .describe('where badBytes lie'),
  tornFromByte: count
    .nullable()
    .describe('where a crash left trailing bytes that nobody misses; null: there are none'),
  newerFormat: z
    .boolean()
    .describe('a newer program began it: what seems bad here may be sound to that one, and repair leaves it'),
  detail: z.array(z.string()).describe('one sentence for each place'),
});

const countsByName = z.record(z.string(), count);

export const verifySchema = z
  .object({
    sound: z.boolean().describe('nothing is damaged or lost; false: exit code 5'),
    records: count.describe('distinct valid records'),
    segments: z.array(segment).describe('in reading order; a missing segment has a row too'),
    unknownTypes: countsByName.describe(
      'records by event type that this program does not know; kept, passed over',
    ),
    newerVersions: countsByName.describe('records by event type of a newer version than this program knows'),
    catalog: z
      .object({
        state: z.enum(['agrees', 'behind', 'mismatch', 'locked', 'unreadable', 'missing', 'unknown']),
        detail: z.string(),
      })
      .nullable()
      .describe('whether the catalog holds what the journal gives; null: there is nothing to compare'),
  })
  .describe('The state of every segment of the journal.');

export type VerifyJson = z.infer<typeof verifySchema>;
