import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { catalogDigest, checkJournal, readRecords, sql } from '../support/outside.js';

const place = new Place();

/** A catalog as the former system made it, with rows of a mount that is not scanned here and of the one that is. */
const FORMER = `
  CREATE TABLE files(path TEXT PRIMARY KEY, size INTEGER, mtime REAL, checksum TEXT, mount_point TEXT, file_type TEXT,
    extension TEXT, scan_time REAL) WITHOUT ROWID;
  CREATE TABLE scan_stats(mount_point TEXT PRIMARY KEY, files_scanned INTEGER, bytes_scanned INTEGER, start_time REAL, end_time REAL);
  CREATE TABLE scanned_dirs(path TEXT PRIMARY KEY, mount_point TEXT, scan_time REAL) WITHOUT ROWID;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO files SELECT '/mnt/user/Other/dir' || (i % 50) || '/f' || i || '.Jpg', i, 1600000000.25 + i,
      'c' || i, 'Other', 'photos', '.jpg', 1700000000.5 FROM n;
  INSERT INTO scan_stats VALUES ('Other', 20000, 200010000, 1699999000.0, 1700000000.5);
  INSERT INTO scanned_dirs VALUES ('/mnt/user/Other/dir1', 'Other', 1700000000.5);
`;

const others = (): string =>
  sql(
    place.catalog,
    `SELECT count(*), sum(size), sum(mtime), min(checksum), max(extension), min(scan_time) FROM files WHERE mount_point = 'Other'`,
  );

beforeAll(() => {
  mkdirSync(place.tree);
  mkdirSync(place.dataDir);
  writeFileSync(join(place.tree, 'kept.txt'), 'kept');
  const gone = `INSERT INTO files VALUES ('${place.tree}/gone.txt', 1, 1.0, NULL, 'Mount', 'documents', '.txt', 2.0);
    INSERT INTO files VALUES ('${place.tree}/kept.txt', 99, 1.0, 'old', 'Mount', 'documents', '.txt', 2.0);`;
  const made = spawnSync('sqlite3', [place.catalog, FORMER + gone], { encoding: 'utf8' });
  expect(made.stderr).toBe('');
});
afterAll(() => {
  place.remove();
});

describe('a catalog of the former system', () => {
  let before: string;

  test('keeps its rows through a scan, which updates its own mount', async () => {
    before = others();
    await runJson(place.scanArgs(), 0);
    expect(others()).toBe(before);
    expect(sql(place.catalog, `SELECT path, size FROM files WHERE mount_point = 'Mount'`)).toBe(
      `${place.tree}/kept.txt|4`,
    );
    expect(sql(place.catalog, `SELECT files_scanned FROM scan_stats WHERE mount_point = 'Other'`)).toBe(
      '20000',
    );
    expect(
      sql(place.catalog, `SELECT mount_point FROM scanned_dirs WHERE path = '/mnt/user/Other/dir1'`),
    ).toBe('Other');
  });

  test('is imported into the journal as events, once', async () => {
    const imported = place.scans().flatMap((scan) => readRecords(place.journal, scan, 'import'));
    const told = imported.filter((record) => record.type === 'catalog.imported');
    expect(told.length).toBe(1);
    expect(told[0]?.data['rows']).toBe(20_002);
    expect(checkJournal(place.journal).faults).toEqual([]);
    expect((await runJson(place.args('verify'), 0))['sound']).toBe(true);
  });

  test('is never dropped by a replay, not even into an empty data directory', async () => {
    const digest = catalogDigest(place.catalog);
    for (const name of readdirSync(place.dataDir).filter((name) => name.startsWith('smart_catalog.db')))
      rmSync(join(place.dataDir, name));
    await runJson(place.args('replay'), 0);
    expect(others()).toBe(before);
    expect(catalogDigest(place.catalog)).toBe(digest);
  });

  test('a replay before any scan imports it first', async () => {
    const second = new Place();
    try {
      mkdirSync(second.dataDir);
      spawnSync('sqlite3', [second.catalog, FORMER]);
      const outcome = await run(second.args('replay', '--json'));
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(sql(second.catalog, 'SELECT count(*) FROM files')).toBe('20000');
      expect(existsSync(second.journal)).toBe(true);
    } finally {
      second.remove();
    }
  });
});
