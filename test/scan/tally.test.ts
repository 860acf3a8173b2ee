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
    expect(tally.gaps().size).toBe(0);
  });

  test('adds sizes beyond 2^53 exactly, and counts a directory whose parents were never met', () => {
    const huge = { ...listed('/m/x/y', 0, 0), rows: [['h', '9007199254740993', '1']] };
    const tally = tallyOf([1, 1, listed('/m', 1, 0), huge]);
    expect(tally.totals).toEqual({ files: 2, directories: 2, bytes: 9_007_199_254_741_003n, problems: 0 });
    expect(tally.coverage).toEqual({ subdirectories: 0, entered: 2 });
    expect(tally.entryOf('/elsewhere')).toBe(-1);
  });

  test('what failed above a chunk explains what is missing below, whatever lies between', () => {
    const tally = tallyOf([1, 1, failed('/m')], [2, 1, listed('/m/x/y', 0, 1)]);
    expect(tally.gaps().size).toBe(0);
  });

  test('names the directory below which something never appeared', () => {
    const tally = tallyOf([3, 1, listed('/m', 0, 1), listed('/m/a', 0, 2), listed('/m/a/b', 1, 0)]);
    expect(tally.gaps()).toEqual(new Map([[tally.entryOf('/m/a'), 3]]));
  });

  test('what could not be listed later explains what is missing below it, and no longer once it was listed', () => {
    const half = listed('/m/a/b', 0, 2);
    const first = [1, 1, listed('/m', 0, 1), listed('/m/a', 0, 1), half] as const;
    const explained = tallyOf([...first], [1, 2, failed('/m/a')]);
    expect(explained.gaps().size).toBe(0);
    expect(explained.totals.problems).toBe(1);
    const healed = tallyOf([...first], [1, 2, failed('/m/a')], [1, 3, listed('/m/a', 0, 1)]);
    expect(healed.gaps()).toEqual(new Map([[healed.entryOf('/m/a/b'), 1]]));
    expect(healed.totals.problems).toBe(0);
  });
});
