import { describe, expect, test } from 'vitest';
import { sampledInjections, tryInjection } from '../support/injections.js';
import { hasStrace, inCi, inParallel } from '../support/journal-faults.js';

describe.skipIf(!hasStrace && !inCi)('a writer under strace (skipped where there is none)', () => {
  test('killed or failed before any write or sync, it keeps all it acknowledged and counts nothing twice', async () => {
    const seed = Date.now() % 1_000_000;
    const wrong: string[] = [];
    await inParallel(sampledInjections(seed), 3, async (injection) => {
      const found = await tryInjection(injection);
      if (found !== null) wrong.push(found);
    });
    expect(wrong, `seed ${seed}`).toEqual([]);
  }, 300_000);
});
