import { expect, test } from 'vitest';
import { fairShare } from '../../src/health/resources.js';

const GIB = 1024 ** 3;
const nothing = { cpus: null, memoryBytes: null };

test('without wishes each worker gets a fair share, and nothing is said', () => {
  expect(fairShare({ cpus: 16, memoryBytes: 64 * GIB }, 8, nothing)).toEqual({
    cpus: 2,
    memoryBytes: 2 * GIB,
    notes: [],
  });
});

test('a small host still gives each worker a whole CPU and memory to live on', () => {
  const share = fairShare({ cpus: 2, memoryBytes: GIB / 2 }, 8, nothing);
  expect(share.cpus).toBe(1);
  expect(share.memoryBytes).toBe(128 * 1024 ** 2);
});

test('8 workers of 12 CPUs and 12 GB on a smaller host are clamped, and that is said', () => {
  const share = fairShare({ cpus: 4, memoryBytes: 16 * GIB }, 8, { cpus: 12, memoryBytes: 12 * GIB });
  expect(share.cpus).toBe(4);
  expect(share.memoryBytes).toBe(1.5 * GIB);
  expect(share.notes.join('\n')).toMatch(/12 CPUs asked for, the host has 4: using 4/);
  expect(share.notes.join('\n')).toMatch(/8 workers of 12 GiB do not fit/);
});

test('what fits is taken as it is', () => {
  const share = fairShare({ cpus: 4, memoryBytes: 16 * GIB }, 2, { cpus: 1.5, memoryBytes: GIB });
  expect(share).toEqual({ cpus: 1.5, memoryBytes: GIB, notes: [] });
});
