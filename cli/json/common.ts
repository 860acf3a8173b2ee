import { z } from 'zod';

export const count = z.int().nonnegative();

/** A count or size: exact as a number up to 2^53, beyond that a string of decimal digits. */
export const bigCount = z.union([count, z.string().regex(/^\d+$/)]);

/** What is said of such a field, behind its meaning. */
export const BIG = 'beyond 2^53 a string of decimal digits';

export const seconds = z.number().describe('seconds');

/** UTC, ISO 8601 with milliseconds. */
export const time = z.iso.datetime();

export const scanId = z.string().describe("the scan's ULID");

export const chunkCounts = z
  .object({
    planned: count.describe('those that were cut into others are counted in these'),
    completed: count.describe('by a worker that ended well and whose data was verified'),
    failed: count.describe('after the last retry'),
    split: count
      .optional()
      .describe('cut into others after the last retry; those are planned in their place'),
  })
  .describe('chunks of the scan');

export const MISSING_FILES =
  'files of its journal that are missing or cut short, by their names and sizes; above 0 the journal does not prove its outcome any more. 0 while it runs';
