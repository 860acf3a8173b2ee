import fc from 'fast-check';
import { test } from 'vitest';
import { corrupt } from '../support/corruption.js';

/** A sample of 100,000 states, and as many of pairs; `npm run torture` looks at ten million. */
const STATES_PER_JOURNAL = 500;
const JOURNALS = 200;

test.each([
  ['no fault in one file makes recovery invent, lose more than was hit, or keep silent', 1],
  ['nor do faults in two files at once', 2],
] as const)(
  '%s',
  (_title, filesAtOnce) => {
    const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    const check = (seed: number): void => {
      corrupt(seed, STATES_PER_JOURNAL, filesAtOnce);
    };
    fc.assert(fc.property(seeds, check), { numRuns: JOURNALS, endOnFailure: true });
  },
  300_000,
);
