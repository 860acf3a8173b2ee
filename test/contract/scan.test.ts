import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { plantOddTree } from '../support/odd-tree.js';
import {
  catalogDigest,
  checkJournal,
  countDirectories,
  listByCatalog,
  listByFind,
  readRecords,
  sql,
} from '../support/outside.js';

const place = new Place();
let report: Record<string, unknown>;
let started: number;

beforeAll(async () => {
  mkdirSync(place.tree);
  plantOddTree(place.tree);
  started = Date.now();
  report = await runJson(place.scanArgs('--max-containers', '2'), 0, { env: { TZ: 'Asia/Tokyo' } });
});
afterAll(() => {
  place.remove();
});

describe('a scan of a tree with odd names', () => {
  test('reports what it did', () => {
    const [scan] = place.scans();
    const files = listByFind(place.tree);
    const bytes = files.reduce((sum, line) => sum + Number(line.split(' ')[0]), 0);
    expect(report).toMatchObject({
      scan,
      outcome: 'complete',
      files: files.length,
      bytes,
      problems: 0,
      engine: 'process',
    });
    expect(report['directories']).toBe(countDirectories(place.tree));
    const { planned, completed, failed } = report['chunks'] as Record<string, number>;
    expect(planned).toBeGreaterThan(0);
    expect([completed, failed]).toEqual([planned, 0]);
    expect(report['seconds']).toBeGreaterThan(0);
    expect(report['catalog']).toBe(place.catalog);
    expect(String(report['journal']).startsWith(place.journal)).toBe(true);
    expect(String(report['log']).startsWith(place.dataDir)).toBe(true);
  });

  test('catalogs exactly what find lists, byte for byte', () => {
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });

  test('journals it so that an independent reader agrees with every crc, prev, seq, reference and seal', () => {
    const check = checkJournal(place.journal);
    expect(check.faults).toEqual([]);
    expect(check.sealed).toBe(check.segments);
    expect(check.files).toBe(report['files']);
  });

  test('keeps the former columns, first and in order, and the former keys', () => {
    const columns = (table: string): string =>
      sql(
        place.catalog,
        `SELECT group_concat(name || ':' || type || ':' || pk, ' ') FROM pragma_table_info('${table}')`,
      );
    expect(columns('files')).toMatch(
      /^path:TEXT:1 size:INTEGER:0 mtime:REAL:0 checksum:TEXT:0 mount_point:TEXT:0 file_type:TEXT:0 extension:TEXT:0 scan_time:REAL:0/,
    );
    expect(columns('scan_stats')).toMatch(
      /^mount_point:TEXT:1 files_scanned:INTEGER:0 bytes_scanned:INTEGER:0 start_time:REAL:0 end_time:REAL:0/,
    );
    expect(columns('scanned_dirs')).toMatch(/^path:TEXT:1 mount_point:TEXT:0 scan_time:REAL:0/);
    for (const table of ['files', 'scanned_dirs'])
      expect(sql(place.catalog, `SELECT sql FROM sqlite_schema WHERE name = '${table}'`)).toMatch(
        /WITHOUT ROWID/i,
      );
  });

  test('fills the columns as the contract says', () => {
    const row = (name: string, what: string): string =>
      sql(place.catalog, `SELECT ${what} FROM files WHERE path = '${place.tree}/${name}'`);
    expect(row('name.', "mount_point || '|' || extension || '|' || file_type || '|' || mtime")).toBe(
      'Mount||other|1700000000.5',
    );
    expect(row('.bashrc', "extension || '|' || file_type || '|' || checksum")).toBe('|other|empty');
    expect(row('Photos/2024/deep/er/clip.MKV', "extension || '|' || file_type")).toBe('.mkv|videos');
    const types: [string, string][] = [
      ['Photos/IMG_1.JPG', '.jpg|photos'],
      ['Music/tab\there.flac', '.flac|music'],
      ['Documents/a:b,c=d.pdf', '.pdf|documents'],
      ['.hidden/inside.tar.GZ', '.gz|archives'],
      ['Disks/vm.ISO', '.iso|disk_images'],
    ];
    for (const [name, expected] of types) expect(row(name, "extension || '|' || file_type")).toBe(expected);
    const times = sql(place.catalog, 'SELECT min(scan_time), max(scan_time) FROM files')
      .split('|')
      .map(Number);
    expect(times[0]).toBeGreaterThanOrEqual(started / 1000 - 1);
    expect(times[1]).toBeLessThanOrEqual(Date.now() / 1000 + 1);
    const ats = new Set(
      readdirSync(join(place.journal, String(report['scan'])))
        .flatMap((writer) => readRecords(place.journal, String(report['scan']), writer))
        .map((record) => Date.parse(record.at)),
    );
    for (const time of sql(place.catalog, 'SELECT DISTINCT scan_time FROM files').split('\n'))
      expect(ats.has(Math.round(Number(time) * 1000))).toBe(true);
  });

  test('writes names that are no UTF-8 escaped and raw', () => {
    const rows = sql(
      place.catalog,
      'SELECT path, lower(hex(path_raw)), extension FROM files WHERE path_raw IS NOT NULL',
    );
    expect(rows.split('|')[0]).toBe(`${place.tree}/raw-\\xff\\xfe/caf\\xe9\\\\back.JPG//`);
    expect(rows.split('|')[2]).toBe('.jpg');
    // A backslash in a name that is valid UTF-8 stays as it is.
    expect(
      sql(
        place.catalog,
        `SELECT count(*) FROM files WHERE path = '${place.tree}/Documents/back\\slash.docx'`,
      ),
    ).toBe('1');
  });

  test('lists every directory and the totals of the mount', () => {
    expect(Number(sql(place.catalog, 'SELECT count(*) FROM scanned_dirs'))).toBe(report['directories']);
    expect(
      sql(place.catalog, `SELECT mount_point FROM scanned_dirs WHERE path = '${place.tree}/Empty/below'`),
    ).toBe('Mount');
    const stats = sql(place.catalog, 'SELECT * FROM scan_stats').split('|');
    expect(stats.slice(0, 3)).toEqual(['Mount', String(report['files']), String(report['bytes'])]);
    expect(Number(stats[4])).toBeGreaterThanOrEqual(Number(stats[3]));
    expect(Math.abs(Number(stats[3]) - started / 1000)).toBeLessThan(10);
  });

  test('deleting the catalog and replaying gives the same rows', async () => {
    const before = catalogDigest(place.catalog);
    for (const name of readdirSync(place.dataDir).filter((name) => name.startsWith('smart_catalog.db')))
      rmSync(join(place.dataDir, name));
    const replay = await runJson(place.args('replay'), 0);
    expect(replay).toMatchObject({ scans: 1, files: report['files'], catalog: place.catalog });
    expect(replay['records']).toBe(checkJournal(place.journal).records);
    expect(replay).toHaveProperty('skipped');
    expect(replay).toHaveProperty('seconds');
    expect(catalogDigest(place.catalog)).toBe(before);
  });

  test('replay --to writes another file and leaves the catalog alone', async () => {
    const other = join(place.root, 'other.db');
    await runJson(place.args('replay', '--to', other), 0);
    expect(catalogDigest(other)).toBe(catalogDigest(place.catalog));
  });

  test('verify finds every segment sealed', async () => {
    const verify = await runJson(place.args('verify'), 0);
    expect(verify['sound']).toBe(true);
    const segments = verify['segments'] as Record<string, unknown>[];
    const check = checkJournal(place.journal);
    expect(segments.length).toBe(check.segments);
    expect(verify['records']).toBe(check.records);
    for (const segment of segments)
      expect(segment).toMatchObject({ scan: report['scan'], state: 'sealed', badBytes: 0, lost: [] });
  });

  test.each([[['--offline']], [[]]])('diagnose %j has nothing to complain about', async (more) => {
    const diagnosis = await runJson(place.args('diagnose', ...more), 0);
    expect(diagnosis).toMatchObject({ scan: report['scan'], verdict: 'complete' });
    const findings = diagnosis['findings'] as { severity: string }[];
    expect(findings.filter((finding) => finding.severity !== 'info')).toEqual([]);
  });

  test('scans, stats and status agree', async () => {
    const [line] = (await runJson(place.args('scans'), 0))['scans'] as Record<string, unknown>[];
    expect(line).toMatchObject({
      scan: report['scan'],
      mountPath: place.tree,
      mountName: 'Mount',
      outcome: 'complete',
      files: report['files'],
      bytes: report['bytes'],
    });
    expect(line?.['journalBytes']).toBeGreaterThan(1000);
    expect(Date.parse(String(line?.['endedAt']))).toBeGreaterThanOrEqual(
      Date.parse(String(line?.['startedAt'])),
    );
    const stats = await runJson(place.args('stats'), 0);
    expect(stats).toMatchObject({
      files: report['files'],
      bytes: report['bytes'],
      mounts: [{ name: 'Mount', files: report['files'], bytes: report['bytes'] }],
    });
    const types = stats['types'] as { type: string; files: number }[];
    expect(types.reduce((sum, each) => sum + each.files, 0)).toBe(report['files']);
    const status = await runJson(place.args('status'), 0);
    expect(status).toMatchObject({
      scan: report['scan'],
      files: report['files'],
      bytes: report['bytes'],
      workers: [],
    });
    for (const key of ['state', 'filesPerSecond', 'chunks', 'secondsSinceProgress'])
      expect(status).toHaveProperty(key);
  });
});

describe('the log', () => {
  test('is named after the local time, speaks of completion and of no error', () => {
    const logs = readdirSync(place.dataDir).filter((name) => name.startsWith('smart_scan_'));
    expect(logs).toEqual([basename(String(report['log']))]);
    expect(logs[0]).toMatch(/^smart_scan_\d{8}_\d{6}\.log$/);
    const tokyo = new Date(started + 9 * 3600_000)
      .toISOString()
      .replace(/[-:]/g, '')
      .slice(0, 11)
      .replace('T', '_');
    expect(logs[0]).toContain(`smart_scan_${tokyo}`);
    const text = readFileSync(join(place.dataDir, String(logs[0])), 'utf8');
    expect(text).toContain('SMART SCAN COMPLETE');
    expect(text).toContain('INFO');
    expect(text.split('\n').filter((line) => /error/i.test(line))).toEqual([]);
  });
});

describe('the next scan of the same mount', () => {
  test('takes over what changed, keeps what stayed, drops what is gone', async () => {
    writeFileSync(join(place.tree, 'Photos/IMG_1.JPG'), 'smaller now');
    writeFileSync(join(place.tree, 'Photos/new.gif'), 'new');
    rmSync(join(place.tree, 'Music/tab\there.flac'));
    rmSync(join(place.tree, 'Photos/2024'), { recursive: true });
    rmSync(join(place.tree, '.hidden'), { recursive: true });
    const second = await runJson(place.scanArgs('--checksum', 'none'), 0);
    expect(place.scans()).toEqual([report['scan'], second['scan']]);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
    expect(sql(place.catalog, `SELECT count(*) FROM scanned_dirs WHERE path LIKE '%2024%'`)).toBe('0');
    const before = catalogDigest(place.catalog);
    await runJson(place.args('replay'), 0);
    expect(catalogDigest(place.catalog)).toBe(before);
    expect(checkJournal(place.journal).faults).toEqual([]);
  });

  test('replay --until shows the catalog as it was', async () => {
    const other = join(place.root, 'before.db');
    await runJson(place.args('replay', '--until', String(report['scan']), '--to', other), 0);
    expect(Number(sql(other, 'SELECT count(*) FROM files'))).toBe(report['files']);
  });

  test('replay --until takes a time of ISO 8601', async () => {
    const at = readRecords(place.journal, String(report['scan'])).at(-1)?.at ?? '';
    const other = join(place.root, 'then.db');
    const filesUntil = async (time: string): Promise<number> => {
      await runJson(place.args('replay', '--until', time, '--to', other), 0);
      return Number(sql(other, 'SELECT count(*) FROM files'));
    };
    for (const time of [at, at.replace('T', ' '), at.replace('Z', '+0000')])
      expect(await filesUntil(time), time).toBe(report['files']);
    expect(await filesUntil(at.replace(/^\d+/, '2020'))).toBe(0);
  });

  test('a name that stands for another path is wrong usage', async () => {
    const outcome = await run([
      'scan',
      place.root,
      'Mount',
      '--data-dir',
      place.dataDir,
      '--engine',
      'process',
    ]);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain('Mount');
    expect(place.scans().length).toBe(2);
  });
});
