import { expect, test } from 'vitest';
import { CountedDirectories } from '../../src/scan/counted.js';

test('each directory is new once in each chunk, however many there are', () => {
  const counted = new CountedDirectories();
  const paths = Array.from({ length: 20_000 }, (_, i) => `/mnt/a${i % 7}/b${i}`);
  for (const chunk of [1, 2, 1_000_000])
    for (const path of paths) {
      expect(counted.has(chunk, path)).toBe(false);
      expect(counted.add(chunk, path)).toBe(true);
    }
  for (const path of paths) expect([counted.add(2, path), counted.has(2, path)]).toEqual([false, true]);
  expect(counted.has(3, '/mnt/a0/b0')).toBe(false);
});
