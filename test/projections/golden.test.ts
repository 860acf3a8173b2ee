import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openForReading } from '../../projections/open-catalog.js';
import { replay } from '../../projections/runner.js';

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;
const expected = JSON.parse(readFileSync(join(FIXTURES, 'golden-journal.expected.json'), 'utf8')) as {
  files: unknown[];
  scanned_dirs: string[];
  scan_stats: unknown;
};

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-golden-'));
  cpSync(join(FIXTURES, 'golden-journal'), dataDir, { recursive: true });
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test('the golden journal gives exactly the rows its own author expects', async () => {
  const result = await replay({ dataDir, databaseName: 'smart_catalog.db' });
  expect(result).toMatchObject({ scans: 1, records: 36, files: 6, skipped: 0, sound: true });
  const database = openForReading(result.catalog);
  const files = database
    .prepare(
      'SELECT path, CAST(size AS TEXT) AS size, lower(hex(path_raw)) AS path_raw_hex, extension, typeof(size) AS type, ' +
        'typeof(mtime) AS time, mount_point FROM files ORDER BY path',
    )
    .all() as {
    path: string;
    size: string;
    path_raw_hex: string;
    extension: string;
    type: string;
    time: string;
  }[];
  expect(
    files.map(({ path, size, path_raw_hex, extension }) => ({
      path,
      size,
      path_raw_hex: path_raw_hex === '' ? null : path_raw_hex,
      extension,
    })),
  ).toEqual(expected.files);
  expect(new Set(files.map(({ type, time }) => `${type} ${time}`))).toEqual(new Set(['integer real']));
  const dirs = database.prepare('SELECT path FROM scanned_dirs ORDER BY path').pluck().all();
  expect(dirs).toEqual(expected.scanned_dirs);
  const stats = database
    .prepare(
      'SELECT mount_point, files_scanned, CAST(bytes_scanned AS TEXT) AS bytes_scanned FROM scan_stats',
    )
    .all();
  expect(stats).toEqual([expected.scan_stats]);
  const problems = database.prepare('SELECT path, operation, errno FROM problems').all();
  expect(problems).toEqual([
    { path: '/mnt/user/Archive/Photos/2024/locked', operation: 'lstat', errno: 'EACCES' },
  ]);
  database.close();
  expect(readdirSync(dataDir).sort()).toEqual(['journal', 'smart_catalog.db']);
});

test('a replay to a file leaves the catalog alone, and a failed one leaves nothing behind', async () => {
  const to = join(dataDir, 'elsewhere', 'then.db');
  const result = await replay({ dataDir, databaseName: 'smart_catalog.db', to });
  expect(result.catalog).toBe(to);
  expect(existsSync(join(dataDir, 'smart_catalog.db'))).toBe(false);
  await expect(
    replay({ dataDir, databaseName: 'x.db', scans: ['01KARA41R028T5CY4GNF6YY4HN'] }),
  ).rejects.toMatchObject({ code: 'not-found' });
  const stopped = AbortSignal.abort();
  await expect(replay({ dataDir, databaseName: 'x.db', signal: stopped })).rejects.toMatchObject({
    code: 'stopped',
  });
  expect(readdirSync(dataDir).sort()).toEqual(['elsewhere', 'journal']);
});

test('until a time gives the catalog as it was then', async () => {
  const timeMs = Date.parse('2025-11-23T12:13:22.500Z');
  const result = await replay({ dataDir, databaseName: 'then.db', until: { timeMs } });
  expect(result.files).toBe(4);
});
