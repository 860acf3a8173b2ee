import { expect, test } from 'vitest';
import { EngineError, type Engine, type WorkerUsage } from '../../src/engine/port.js';
import { UsageWatch } from '../../src/scan/usage-watch.js';

const usage = (memoryBytes: number | null): WorkerUsage => ({
  cpuPercent: 1,
  memoryBytes,
  memoryLimitBytes: null,
});

/** A watch over an engine that gives these answers, and the times (ms) at which it was asked. */
function watched(answers: (WorkerUsage | EngineError)[]): {
  look: (atMs: number) => Promise<void>;
  asked: number[];
  watch: UsageWatch;
} {
  const asked: number[] = [];
  let nowMs = 0;
  const engine: Pick<Engine, 'usage'> = {
    usage: () => {
      asked.push(nowMs);
      const answer = answers.shift() ?? usage(1);
      return answer instanceof EngineError ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const watch = new UsageWatch(engine as Engine, () => nowMs);
  const look = (atMs: number): Promise<void> => {
    nowMs = atMs;
    return watch.look('id');
  };
  return { look, asked, watch };
}

test('what has just started and uses nothing yet is looked at again soon, then every five seconds', async () => {
  const { look, asked, watch } = watched([usage(0), new EngineError('not-found', 'not running'), usage(5)]);
  for (let atMs = 0; atMs <= 12_000; atMs += 250) await look(atMs);
  expect(asked).toEqual([0, 500, 1000, 6000, 11_000]);
  expect(watch.last).toMatchObject({ memoryBytes: 1 });
});

test('the last word of one that has ended is the one before', async () => {
  const { look, watch } = watched([usage(7), usage(0)]);
  await look(0);
  await look(5000);
  expect(watch.last).toMatchObject({ memoryBytes: 7, at: '1970-01-01T00:00:00.000Z' });
});
