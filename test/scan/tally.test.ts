import { describe, expect, test } from 'vitest';
import type { ListedDirectory, Problem } from '../../journal/events/index.js';
import { Tally } from '../../src/scan/tally.js';

function listed(path: string, files: number, subdirectories: number): ListedDirectory {
  const rows = Array.from({ length: files }, (_, at) => [`f${at}`, 10, '1']);
  return { path, part: 1, last: true, rows, problems: [], entries: files + subdirectories, subdirectories };
}

function failed(path: string): ListedDirectory {
  const problem: Problem = { name: '', operation: 'lstat', code: 'EIO' };
  return { path, part: 1, last: false, rows: [], problems: [problem] };
}

function tallyOf(...batches: [chunk: number, attempt: number, ...directories: ListedDirectory[]][]): Tally {
  const tally = new Tally();
  for (const [chunk, attempt, ...directories] of batches)
    tally.push({ chunk, attempt, columns: ['name', 'size', 'mtimeNs'], directories });
  return tally;
}

describe('a tally', () => {
  test('takes the last complete listing of each directory, over attempts and chunks', () => {
    const tally = tallyOf(
      [1, 1, listed('/m', 2, 1), listed('/m/a', 5, 0)],
      [1, 2, listed('/m', 1, 1)],
      [2, 1, listed('/m/a', 4, 0)],
    );
    expect(tally.totals).toEqual({ files: 5, directories: 2, bytes: 50n, problems: 0 });
    expect(tally.gaps()).toEqual([]);
  });

  test('names the directory below which something never appeared', () => {
    const tally = tallyOf([3, 1, listed('/m', 0, 1), listed('/m/a', 0, 2), listed('/m/a/b', 1, 0)]);
    expect(tally.gaps()).toEqual([{ chunk: 3, path: '/m/a' }]);
  });

  test('what could not be listed later explains what is missing below it, and no longer once it was listed', () => {
    const half = listed('/m/a/b', 0, 2);
    const first = [1, 1, listed('/m', 0, 1), listed('/m/a', 0, 1), half] as const;
    const explained = tallyOf([...first], [1, 2, failed('/m/a')]);
    expect(explained.gaps()).toEqual([]);
    expect(explained.totals.problems).toBe(1);
    const healed = tallyOf([...first], [1, 2, failed('/m/a')], [1, 3, listed('/m/a', 0, 1)]);
    expect(healed.gaps()).toEqual([{ chunk: 1, path: '/m/a/b' }]);
    expect(healed.totals.problems).toBe(0);
  });
});
