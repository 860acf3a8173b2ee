import { describe, expect, test } from 'vitest';
import { OperationClock } from '../../src/walk/operation-clock.js';
import { Pace } from '../../src/worker/pace.js';

/** 1,200 operations of so many ms each, one of them a stall. @returns whether that is called slow */
function isSlow(operationMs: number, stallMs: number): boolean {
  let nowMs = 1_000;
  const clock = new OperationClock(() => nowMs, 4);
  clock.start();
  for (let i = 0; i < 1_200; i += 1) {
    clock.beat();
    nowMs += operationMs + (i === 600 ? stallMs : 0);
  }
  const times = clock.take(nowMs);
  expect(times.operations).toBe(1_200);
  expect(times.operationsMs).toBeCloseTo(1_200 * operationMs + stallMs);
  return new Pace('none').isSlow(times);
}

describe('whether a file system is slow', () => {
  test.each([
    [0.005, 0, false],
    [0.005, 800, false],
    [0.005, 60_000, false],
    [0.3, 800, false],
    [0.5, 0, true],
    [2, 0, true],
    [25, 0, true],
    [2, 800, true],
  ])('%d ms an operation and one stall of %d ms: %s', (operationMs, stallMs, slow) => {
    expect(isSlow(operationMs, stallMs)).toBe(slow);
  });

  test('what was waited for between two starts counts for nothing', () => {
    let nowMs = 0;
    const clock = new OperationClock(() => nowMs, 4);
    clock.start();
    clock.beat();
    nowMs = 3;
    expect(clock.take(nowMs)).toEqual({ operations: 1, operationsMs: 3, steadyMs: 3 });
    nowMs = 1_000;
    clock.start();
    clock.beat();
    nowMs = 1_002;
    expect(clock.take(nowMs)).toEqual({ operations: 1, operationsMs: 2, steadyMs: 2 });
  });
});
