import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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

describe('a catalog of the former system with odd contents', () => {
  let second: Place;
  const made = (statements: string): void => {
    const { stderr } = spawnSync('sqlite3', [second.catalog, statements], { encoding: 'utf8' });
    expect(stderr).toBe('');
  };

  beforeEach(() => {
    second = new Place();
    mkdirSync(second.tree);
    mkdirSync(second.dataDir);
    writeFileSync(join(second.tree, 'kept.txt'), 'kept');
  });
  afterEach(() => {
    second.remove();
  });

  test('keeps times that no clock shows, and paths with two slashes', async () => {
    made(`${FORMER}; INSERT INTO files (path, size, mtime, mount_point) VALUES ('/late', 1, 1e300, 'O'), ('//twice', 2, -1e305, 'O'),
      ('/a//b', 3, 1.5, 'O'), ('/a//', 4, 1.5, 'O'), ('plain', 5, 1.5, 'O'), ('//', 6, 1.5, 'O')`);
    const rows = "SELECT path, size, mtime FROM files WHERE mount_point = 'O' ORDER BY size";
    const before = sql(second.catalog, rows);
    await runJson(second.scanArgs(), 0);
    expect(sql(second.catalog, rows)).toBe(before);
  });

  test('keeps each path that is not valid UTF-8, as a scan would write it, and updates it', async () => {
    const hex = Buffer.from(second.tree).toString('hex');
    made(`${FORMER}; INSERT INTO files (path, size, mount_point) VALUES
      (CAST(x'2f6f2ffe' AS TEXT), 1, 'O'), (CAST(x'2f6f2fff' AS TEXT), 2, 'O'), (x'2f6ffd2f78', 3, 'O'),
      (CAST(x'${hex}2fff' AS TEXT), 4, 'Mount'), (CAST(x'${hex}2fff2f61' AS TEXT), 5, 'Mount');
      INSERT INTO scanned_dirs VALUES (CAST(x'2f6ffd' AS TEXT), 'O', 1.5)`);
    await runJson(second.scanArgs(), 0);
    expect(
      sql(
        second.catalog,
        "SELECT path, hex(path_raw), size FROM files WHERE mount_point = 'O' ORDER BY size",
      ),
    ).toBe(['/o/\\xfe//|2F6F2FFE|1', '/o/\\xff//|2F6F2FFF|2', '/o\\xfd/x//|2F6FFD2F78|3'].join('\n'));
    expect(sql(second.catalog, "SELECT path FROM scanned_dirs WHERE mount_point = 'O'")).toBe('/o\\xfd//');
    expect(sql(second.catalog, "SELECT path FROM files WHERE mount_point = 'Mount'")).toBe(
      `${second.tree}/kept.txt`,
    );
    expect(checkJournal(second.journal).faults).toEqual([]);
    const digest = catalogDigest(second.catalog);
    await runJson(second.args('replay'), 0);
    expect(catalogDigest(second.catalog)).toBe(digest);
  });

  test('may lack columns', async () => {
    made(`CREATE TABLE files(Path TEXT PRIMARY KEY, size INTEGER, Mount_Point TEXT); INSERT INTO files VALUES ('/o/x', 7, 'O'), (NULL, 8, 'O');
      CREATE TABLE scanned_dirs(path TEXT PRIMARY KEY); INSERT INTO scanned_dirs VALUES ('/o');
      CREATE TABLE scan_stats(mount_point TEXT PRIMARY KEY, files_scanned INTEGER); INSERT INTO scan_stats VALUES ('O', 1)`);
    await runJson(second.scanArgs(), 0);
    expect(sql(second.catalog, "SELECT * FROM files WHERE mount_point = 'O'")).toBe('/o/x|7|||O||||');
    expect(sql(second.catalog, "SELECT * FROM scanned_dirs WHERE path = '/o'")).toBe('/o||');
    expect(sql(second.catalog, "SELECT * FROM scan_stats WHERE mount_point = 'O'")).toBe('O|1|||');
  });

  test("is not taken for one where another program's table is called `files`", async () => {
    made("CREATE TABLE files(id INTEGER PRIMARY KEY, path TEXT); INSERT INTO files VALUES (1, '/theirs')");
    const bytes = readFileSync(second.catalog);
    await runJson(second.scanArgs(), 1);
    expect(readFileSync(second.catalog).equals(bytes)).toBe(true);
  });

  test('with a damaged page stays as it is; the scan is journaled, and what can be saved of it is taken over', async () => {
    made(FORMER);
    const file = openSync(second.catalog, 'r+');
    writeSync(
      file,
      Buffer.alloc(4096, 0xa5),
      0,
      4096,
      4096 * Math.floor(statSync(second.catalog).size / 8192),
    );
    closeSync(file);
    const bytes = readFileSync(second.catalog);
    const scanned = await runJson(second.scanArgs(), 1);
    expect(scanned).toMatchObject({ outcome: 'complete', files: 1 });
    expect(readFileSync(second.catalog).equals(bytes)).toBe(true);
    const diagnosed = await runJson(second.args('diagnose'), 0);
    expect(diagnosed['findings']).toContainEqual(expect.objectContaining({ code: 'catalog.behind' }));
    const replayed = await run(second.args('replay'));
    expect(replayed.code).toBe(1);
    expect(replayed.stderr).toContain('s/^ROLLBACK.*/COMMIT;/');
    // The advice, followed to the letter.
    const saved = `${second.catalog}.new`;
    spawnSync('sh', [
      '-c',
      `sqlite3 '${second.catalog}' .dump | sed 's/^ROLLBACK.*/COMMIT;/' | sqlite3 '${saved}' && mv '${saved}' '${second.catalog}'`,
    ]);
    await runJson(second.args('replay'), 0);
    const others = Number(sql(second.catalog, "SELECT count(*) FROM files WHERE mount_point = 'Other'"));
    expect(others).toBeGreaterThan(19_000);
    expect(sql(second.catalog, "SELECT size FROM files WHERE mount_point = 'Mount'")).toBe('4');
  });

  test.each(['scan', 'replay'])(
    'with a damaged first page is kept under another name by a %s, which says so, once',
    async (command) => {
      const args = command === 'scan' ? second.scanArgs() : second.args('replay');
      made(FORMER);
      const file = openSync(second.catalog, 'r+');
      writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, 0);
      closeSync(file);
      const bytes = readFileSync(second.catalog);
      const kept = `${second.catalog}.unreadable`;
      const outcome = await run(args);
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(readFileSync(kept).equals(bytes)).toBe(true);
      expect(outcome.stderr).toContain(`${second.catalog} cannot be read`);
      expect(outcome.stderr).toContain(`kept as ${kept}`);
      expect((await run(args)).stderr).not.toContain('kept as');
      // Another one does not take the first one's place.
      rmSync(second.catalog);
      writeFileSync(second.catalog, 'no catalog either');
      expect((await run(args)).code).toBe(0);
      expect(readFileSync(kept).equals(bytes)).toBe(true);
      expect(readFileSync(`${kept}-2`, 'utf8')).toBe('no catalog either');
      expect(sql(second.catalog, 'SELECT count(*) FROM files')).toBe(command === 'scan' ? '1' : '0');
    },
  );
});
