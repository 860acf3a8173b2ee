import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Dice } from '../support/build-journal.js';
import { corrupt } from '../support/corruption.js';
import { allInjections, tryInjection } from '../support/injections.js';
import { inParallel, withFolder } from '../support/journal-faults.js';
import { cutPower } from '../support/power-cut.js';
import { killAtRandom } from '../support/random-kill.js';
import { REPAIR_CALLS, repairKilledAt } from '../support/repair-kill.js';

const GOLDEN = join(import.meta.dirname, '../fixtures/golden-journal');
const HOUR_MS = 3_600_000;
const AT_ONCE = 2;
const POWER_CUTS = 200;
const KILLS = 1000;
const TOLD_EVERY = 300;
/** No call of a repair comes more often. */
const REPAIR_CALLS_MAX = 12;
const SEED = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000);

function tell(text: string): void {
  process.stdout.write(`${text} (TORTURE_SEED=${SEED})\n`);
}

test(
  'every injection before every write and every sync',
  async () => {
    const wrong: string[] = [];
    const injections = allInjections();
    let done = 0;
    await inParallel(injections, AT_ONCE, async (injection) => {
      const found = await tryInjection(injection);
      if (found !== null) wrong.push(found);
      done += 1;
      if (done % TOLD_EVERY === 0) tell(`injections so far: ${done}, wrong: ${wrong.length}`);
    });
    tell(`injections: ${injections.length}, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
  },
  HOUR_MS,
);

test(
  'power cuts under load',
  async () => {
    const wrong = await cutPower(POWER_CUTS, SEED);
    tell(`power cuts: ${POWER_CUTS}, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
  },
  HOUR_MS,
);

test(
  'kills at random moments',
  async () => {
    const dice = new Dice(SEED);
    const wrong: string[] = [];
    const moments = Array.from({ length: KILLS }, () => dice.below(200));
    await inParallel(moments, AT_ONCE, async (afterMs) => {
      const found = await killAtRandom(afterMs);
      if (found !== null) wrong.push(found);
    });
    tell(`kills: ${KILLS}, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
  },
  HOUR_MS,
);

test(
  'a repair killed before each of its calls',
  async () => {
    const wrong: string[] = [];
    const points = REPAIR_CALLS.flatMap((call) =>
      Array.from({ length: REPAIR_CALLS_MAX }, (_, i) => ({ call, when: i + 1 })),
    );
    for (const { call, when } of points) {
      await withFolder((folder) => {
        cpSync(GOLDEN, folder, { recursive: true });
        const found = repairKilledAt(folder, call, when);
        if (found !== null) wrong.push(`${call} ${when}: ${found}`);
        return Promise.resolve();
      });
    }
    tell(`repairs killed: ${points.length}, wrong: ${wrong.length}`);
    expect(wrong).toEqual([]);
  },
  HOUR_MS,
);

test(
  'ten million damaged journals',
  () => {
    const dice = new Dice(SEED);
    const states = { one: 6_000_000, two: 4_000_000 };
    for (let done = 0; done < states.one; done += 1000) corrupt(1 + dice.below(2 ** 31 - 2), 1000, 1);
    for (let done = 0; done < states.two; done += 1000) corrupt(1 + dice.below(2 ** 31 - 2), 1000, 2);
    tell(`damaged journals: ${states.one + states.two}, wrong: 0`);
  },
  HOUR_MS,
);
