import { describe, expect, test } from 'vitest';
import { canMount, inCi, inParallel } from '../support/journal-faults.js';
import { Dice } from '../support/build-journal.js';
import { cutPower } from '../support/power-cut.js';
import { killAtRandom } from '../support/random-kill.js';

describe.skipIf(!canMount && !inCi)('power cuts (skipped where nothing can be mounted)', () => {
  test('after any of five power cuts all that was acknowledged is there', async () => {
    const seed = Date.now() % 1_000_000;
    expect(await cutPower(5, seed), `seed ${seed}`).toEqual([]);
  }, 120_000);
});

test('killed at twenty random moments, a writer has kept all it acknowledged', async () => {
  const dice = new Dice(Date.now() % 1_000_000);
  const wrong: string[] = [];
  await inParallel(
    Array.from({ length: 20 }, () => dice.below(150)),
    3,
    async (afterMs) => {
      const found = await killAtRandom(afterMs);
      if (found !== null) wrong.push(found);
    },
  );
  expect(wrong).toEqual([]);
}, 120_000);
