import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runJson } from '../support/cli.js';
import { readRecords, sql } from '../support/outside.js';
import { TroubledPlace } from '../support/troubled-place.js';

let place: TroubledPlace;

beforeAll(async () => {
  place = new TroubledPlace(12, 10);
  await runJson(place.quickScan(), 0);
});
afterAll(() => {
  place.remove();
});

function change(statement: string): void {
  const done = spawnSync('sqlite3', [place.catalog, statement], { encoding: 'utf8' });
  expect(done.stderr).toBe('');
}

/** Why the newest scan says that it built the catalog anew. */
function reason(): string {
  const told = readRecords(place.journal, place.scans().at(-1) ?? '');
  return String(told.find(({ type }) => type === 'catalog.troubled')?.data['detail']);
}

function newestLog(): string {
  const name = readdirSync(place.dataDir)
    .filter((each) => each.endsWith('.log'))
    .sort()
    .at(-1);
  return readFileSync(join(place.dataDir, name ?? ''), 'utf8');
}

describe('a catalog that cannot be gone on with is built anew by the next scan, which says so', () => {
  test.each([
    ['of an older version', 'PRAGMA user_version = 0', 'it is of an older version'],
    [
      'whose checkpoint the journal does not have',
      "UPDATE checkpoints SET crc = '00000000'",
      'has no record',
    ],
    [
      'of another journal',
      "INSERT INTO checkpoints VALUES ('01KARA41R028T5CY4GNF6YY4HM', 'coordinator', 1, 1, 1, '00000000', 1)",
      'which the journal does not',
    ],
    ['that has lost its checkpoints', 'DELETE FROM checkpoints', 'it is empty, and the journal is not'],
  ])('one %s', async (_which, damage, why) => {
    // A row that no journal gives: it shows whether the catalog was really made anew.
    change(`INSERT INTO files (path, size) VALUES ('/made/up', 1); ${damage}`);
    await place.expectWhole(await run(place.quickScan()));
    expect(place.told()).toEqual(['troubled catalog.behind', 'opened wal', 'recovered']);
    expect(reason()).toContain(why);
    expect(newestLog()).toMatch(new RegExp(`WARNING DATABASE .*built anew.*${why}`));
    expect(sql(place.catalog, "SELECT count(*) FROM files WHERE path = '/made/up'")).toBe('0');
    const { verdict } = await runJson(place.args('diagnose', '--offline'), 0);
    expect(verdict).toBe('complete');
  });
});
