import { expect, test } from 'vitest';
import { Tuner } from '../../src/walk/tuner.js';

/** Lets a tuner work on a medium for some seconds; returns how many operations at once it has settled on. */
function settle(perSecond: (atOnce: number) => number, max = 64): number {
  const tuner = new Tuner({ start: 4, max }, 0);
  for (let nowMs = 100; nowMs < 8000; nowMs += 100) {
    tuner.push(Math.round(perSecond(tuner.atOnce) / 10), true, nowMs);
  }
  return tuner.atOnce;
}

test('where latency rules, it goes up to the limit', () => {
  expect(settle((atOnce) => atOnce * 500)).toBe(64);
  expect(settle((atOnce) => atOnce * 500, 8)).toBe(8);
});

test('where the server takes eight at once, it stays near that', () => {
  expect(settle((atOnce) => Math.min(atOnce, 8) * 500)).toBe(8);
});

test('where a disk head thrashes, it stays low', () => {
  expect(settle((atOnce) => 4000 / atOnce)).toBe(4);
});

test('a rate that was not limited by it says nothing', () => {
  const tuner = new Tuner({ start: 4, max: 64 }, 0);
  for (let nowMs = 100; nowMs < 8000; nowMs += 100) tuner.push(1000, false, nowMs);
  expect(tuner.atOnce).toBe(4);
});

test('moments without enough to do between others do not keep it from deciding', () => {
  const tuner = new Tuner({ start: 4, max: 64 }, 0);
  for (let nowMs = 50; nowMs < 8000; nowMs += 50) tuner.push(tuner.atOnce * 5, nowMs % 150 !== 0, nowMs);
  expect(tuner.atOnce).toBe(64);
  expect(tuner.settled).toBe(true);
});
