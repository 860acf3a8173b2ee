import { describe, expect, test } from 'vitest';
import type { EventData, ListedDirectory } from '../../journal/events/index.js';
import { CountedDirectories } from '../../src/scan/counted.js';
import { ChunkLedger } from '../../src/scan/ledger.js';

function directory(path: string, change: Partial<ListedDirectory> = {}): ListedDirectory {
  return {
    path,
    part: 1,
    last: true,
    rows: [],
    problems: [],
    entries: 0,
    subdirectories: 0,
    others: 0,
    excluded: 0,
    ...change,
  };
}

function batch(attempt: number, ...directories: ListedDirectory[]): EventData<'files.batch'> {
  return { chunk: 1, attempt, columns: ['name', 'size', 'mtimeNs'], directories };
}

function ledgerOf(...batches: EventData<'files.batch'>[]): ChunkLedger {
  const ledger = new ChunkLedger(1, new CountedDirectories());
  for (const each of batches) ledger.push(each);
  return ledger;
}

const problem = { name: 'x', operation: 'lstat', code: 'EACCES' };

describe('a chunk ledger', () => {
  test('counts a directory once all its parts have come', () => {
    const ledger = ledgerOf(
      batch(1, directory('/m', { last: false, rows: [['a', 5, '1']] })),
      batch(
        1,
        directory('/m', {
          part: 2,
          rows: [['b', '9007199254740993', '1']],
          problems: [problem],
          subdirectories: 3,
        }),
      ),
    );
    expect(ledger.totals).toEqual({ files: 2, directories: 1, bytes: 9007199254740998n, problems: 1 });
    expect(ledger.totalsOfAttempt(1)).toEqual(ledger.totals);
    expect(ledger.coverage).toEqual({ subdirectories: 3, entered: 1 });
  });

  test('leaves a directory out while its last part is missing', () => {
    const ledger = ledgerOf(batch(1, directory('/m', { last: false, rows: [['a', 5, '1']] })));
    expect(ledger.totals).toEqual({ files: 0, directories: 0, bytes: 0n, problems: 0 });
  });

  test('does not join parts of different attempts, nor across a missing part', () => {
    const first = batch(1, directory('/m', { last: false, rows: [['a', 5, '1']] }));
    expect(ledgerOf(first, batch(2, directory('/m', { part: 2 }))).totals.directories).toBe(0);
    expect(ledgerOf(first, batch(1, directory('/m', { part: 3 }))).totals.directories).toBe(0);
  });

  test('counts the problem of an unlisted directory until a later attempt lists it', () => {
    const denied = batch(
      1,
      directory('/m/d', { last: false, problems: [{ ...problem, name: '', operation: 'opendir' }] }),
    );
    const ledger = ledgerOf(denied);
    expect(ledger.totals.problems).toBe(1);
    expect(ledger.coverage.entered).toBe(1);
    ledger.push(batch(2, directory('/m/d', { rows: [['a', 1, '1']] })));
    expect(ledger.totals).toEqual({ files: 1, directories: 1, bytes: 1n, problems: 0 });
    expect(ledger.totalsOfAttempt(2).problems).toBe(0);
    expect(ledger.coverage.entered).toBe(1);
  });

  test('counts a directory once that two attempts have listed', () => {
    const first = batch(1, directory('/m', { rows: [['a', 1, '1']], subdirectories: 1 }));
    const ledger = ledgerOf(first, { ...first, attempt: 2 });
    expect(ledger.totals).toEqual({ files: 1, directories: 1, bytes: 1n, problems: 0 });
    expect(ledger.totalsOfAttempt(2)).toEqual(ledger.totals);
    expect(ledger.coverage).toEqual({ subdirectories: 1, entered: 1 });
    expect([ledgerOf(first).isExact, ledger.isExact]).toEqual([true, false]);
  });

  test('adds up attempts that share the work', () => {
    const ledger = ledgerOf(
      batch(1, directory('/m', { rows: [['a', 1, '1']] })),
      batch(2, directory('/m/d', { rows: [['b', 2, '1']] })),
    );
    expect(ledger.totals).toEqual({ files: 2, directories: 2, bytes: 3n, problems: 0 });
    expect(ledger.totalsOfAttempt(2)).toEqual({ files: 1, directories: 1, bytes: 2n, problems: 0 });
  });
});
