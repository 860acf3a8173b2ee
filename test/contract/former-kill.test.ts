import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place, Running, runJson } from '../support/cli.js';
import { catalogDigest, readRecords, sql } from '../support/outside.js';

const ROWS = 100_000;
/** Where nothing is killed in the middle. */
const ROWS_CHANGED = 3000;
/** `npm run torture` asks for more. */
const KILLS = Number(process.env['NAS_SCANNER_TEST_IMPORT_KILLS'] ?? 3);
/** A catalog as the former system left it: the contract's tables, rows of odd types among the others. */
const former = (rows: number): string => `
  CREATE TABLE files(path TEXT PRIMARY KEY, size INTEGER, mtime REAL, checksum TEXT, mount_point TEXT, file_type TEXT,
    extension TEXT, scan_time REAL) WITHOUT ROWID;
  CREATE TABLE scan_stats(mount_point TEXT PRIMARY KEY, files_scanned INTEGER, bytes_scanned INTEGER, start_time REAL, end_time REAL);
  CREATE TABLE scanned_dirs(path TEXT PRIMARY KEY, mount_point TEXT, scan_time REAL) WITHOUT ROWID;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO files SELECT '/mnt/user/Other/dir' || (i % 997) || '/f ' || i || '.Jpg',
      CASE i % 1000 WHEN 1 THEN NULL WHEN 2 THEN 9007199254740993 ELSE i END, 1600000000.123456 + i,
      CASE i % 3 WHEN 0 THEN NULL ELSE 'c' || i END, 'Other', 'photos', '.jpg', 1700000000.5 FROM n;
  INSERT INTO scan_stats VALUES ('Other', ${rows}, 1, 1699999000.0, 1700000000.5);
  INSERT INTO scanned_dirs SELECT DISTINCT '/mnt/user/Other/dir' || (value % 997), 'Other', 1700000000.5
    FROM json_each('[1,2,3,4,5,6,7,8,9]');
`;
const OTHERS = `SELECT count(*), group_concat(quote(path) || quote(size) || quote(mtime) || quote(checksum) || quote(mount_point)
  || quote(file_type) || quote(extension) || quote(scan_time), char(10)) FROM (SELECT * FROM files WHERE mount_point = 'Other' ORDER BY path)`;

let place: Place;

beforeEach(() => {
  place = new Place();
  mkdirSync(place.tree);
  mkdirSync(place.dataDir);
  writeFileSync(join(place.tree, 'new.txt'), 'new');
});
afterEach(() => {
  place.remove();
});

/** Puts a former catalog into the data directory. @param change SQL that the former system ran later */
function plant(rows: number, change = ''): void {
  const made = spawnSync('sqlite3', [place.catalog, `${former(rows)} ${change}`], { encoding: 'utf8' });
  expect(made.stderr).toBe('');
}

/** Imports that came to their end. */
const imported = (): number =>
  place
    .scans()
    .filter((scan) => readRecords(place.journal, scan, 'import').length > 0)
    .filter((scan) => readRecords(place.journal, scan).some(({ type }) => type === 'scan.completed')).length;

async function runAndKill(args: string[], afterMs: number): Promise<void> {
  const running = new Running(args);
  await Promise.race([running.ended, sleep(afterMs)]);
  running.child.kill('SIGKILL');
  await running.ended;
}

test(
  'a former catalog of 100,000 rows survives kills of its import, of scan and replay, each row once and as it was',
  async () => {
    plant(ROWS);
    const before = sql(place.catalog, OTHERS);
    const kept = join(place.root, 'former.db');
    copyFileSync(place.catalog, kept);
    const scan = place.scanArgs('--checksum', 'none', '--quiet');
    const began = performance.now();
    await runJson(place.args('replay'), 0);
    const wholeMs = performance.now() - began;
    expect(imported()).toBe(1);
    // The same again, disturbed.
    rmSync(place.dataDir, { recursive: true });
    mkdirSync(place.dataDir);
    copyFileSync(kept, place.catalog);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await runAndKill(kill % 2 === 0 ? scan : place.args('replay'), wholeMs * (0.2 + (0.9 * kill) / KILLS));
      // Whatever is there now, it is the former catalog or a whole one of ours.
      expect(sql(place.catalog, OTHERS)).toBe(before);
    }
    await runJson(place.scanArgs('--checksum', 'none'), 0);
    expect(imported()).toBe(1);
    expect(sql(place.catalog, OTHERS)).toBe(before);
    expect(sql(place.catalog, `SELECT count(*) FROM files WHERE mount_point = 'Mount'`)).toBe('1');
    expect(sql(place.catalog, "SELECT count(*) FROM scanned_dirs WHERE mount_point = 'Other'")).toBe('9');
    expect((await runJson(place.args('verify'), 0))['sound']).toBe(true);
    const digest = catalogDigest(place.catalog);
    for (const name of readdirSync(place.dataDir).filter((each) => each.startsWith('smart_catalog.db')))
      rmSync(join(place.dataDir, name));
    await runJson(place.args('replay'), 0);
    expect(catalogDigest(place.catalog)).toBe(digest);
  },
  20_000 + 20_000 * KILLS,
);

test('what the former system changed after an import that was killed is what counts', async () => {
  // The first import dies before its last word: its rows are in the journal, and it counts as never finished.
  plant(ROWS_CHANGED);
  await runJson(place.args('replay', '--quiet'), 0);
  const [scan = ''] = place.scans();
  const coordinator = join(place.journal, scan, 'coordinator', '0001-0001.ndjson');
  const lines = readFileSync(coordinator, 'utf8').split('\n');
  const last = lines.findIndex((line) => line.includes('"type":"scan.completed"'));
  writeFileSync(coordinator, lines.slice(0, last).join('\n') + '\n');
  for (const name of readdirSync(place.dataDir).filter((each) => each.startsWith('smart_catalog.db')))
    rmSync(join(place.dataDir, name));
  const later = `UPDATE files SET size = 7, scan_time = 1700009999.5 WHERE path LIKE '%/f 5.Jpg'`;
  plant(ROWS_CHANGED, later);
  const before = sql(place.catalog, OTHERS);
  await runJson(place.args('replay'), 0);
  expect(sql(place.catalog, OTHERS)).toBe(before);
  expect(imported()).toBe(1);
});
