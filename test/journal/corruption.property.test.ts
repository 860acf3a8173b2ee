import fc from 'fast-check';
import { test } from 'vitest';
import { corrupt } from '../support/corruption.js';

/** Half of a million states; the other half runs beside it, on the other core. */
const STATES_PER_JOURNAL = 500;
const JOURNALS = 1000;

test('no fault in one file makes recovery invent, lose more than was hit, or keep silent', () => {
  const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  const check = (seed: number): void => {
    corrupt(seed, STATES_PER_JOURNAL, 1);
  };
  fc.assert(fc.property(seeds, check), { numRuns: JOURNALS, endOnFailure: true });
}, 300_000);
