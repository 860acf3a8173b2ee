import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { checkJournal, sql } from '../support/outside.js';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';

interface Expected {
  verify: { records: number; states: Record<string, string> };
  files: { path: string; size: string; path_raw_hex: string | null; extension: string }[];
  scanned_dirs: string[];
  scan_stats: { mount_point: string; files_scanned: number; bytes_scanned: string };
}
const expected = JSON.parse(readFileSync(join(FIXTURES, 'golden-journal.expected.json'), 'utf8')) as Expected;

interface SegmentRow {
  file: string;
  state: string;
  records: number;
  badBytes: number;
  lost: { fromSeq: number; toSeq: number }[];
}

let place: Place;
beforeEach(() => {
  place = new Place();
  cpSync(join(FIXTURES, 'golden-journal'), place.dataDir, { recursive: true });
});
afterEach(() => {
  place.remove();
});

const file = (name: string): string => join(place.journal, SCAN, name);

/** Rows of `verify` by the end of their file name. */
async function verify(code: number): Promise<{ sound: boolean; rows: Map<string, SegmentRow> }> {
  const report = await runJson(place.args('verify'), code);
  const segments = report['segments'] as SegmentRow[];
  const rows = segments.map((row): [string, SegmentRow] => [row.file.split('/').slice(-2).join('/'), row]);
  return { sound: report['sound'] === true, rows: new Map(rows) };
}

function flip(name: string, offset: number): void {
  const bytes = readFileSync(file(name));
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(file(name), bytes);
}

describe('a journal that another program wrote', () => {
  test('verify', async () => {
    const report = await runJson(place.args('verify'), 0);
    expect(report).toMatchObject({ sound: true, records: expected.verify.records });
    const { rows } = await verify(0);
    expect(Object.fromEntries([...rows].map(([name, row]) => [name, row.state]))).toEqual(
      expected.verify.states,
    );
  });

  test('replay', async () => {
    const report = await runJson(place.args('replay'), 0);
    expect(report).toMatchObject({ scans: 1, files: 6, records: 36, catalog: place.catalog });
    const rows = JSON.parse(
      sql(
        place.catalog,
        `SELECT json_group_array(json_object('path', path, 'size', CAST(size AS TEXT), 'path_raw_hex', lower(hex(path_raw)), 'extension', extension)) FROM (SELECT * FROM files ORDER BY path)`,
      ),
    ) as Expected['files'];
    const normal = rows.map((row) => ({ ...row, path_raw_hex: row.path_raw_hex || null }));
    expect(normal.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(expected.files);
    expect(sql(place.catalog, 'SELECT path FROM scanned_dirs ORDER BY path').split('\n')).toEqual(
      expected.scanned_dirs,
    );
    expect(sql(place.catalog, 'SELECT mount_point, files_scanned, bytes_scanned FROM scan_stats')).toBe(
      Object.values(expected.scan_stats).join('|'),
    );
  });

  test('diagnose', async () => {
    const report = await runJson(place.args('diagnose', '--offline'), 0);
    expect(report).toMatchObject({ scan: SCAN, verdict: 'complete-with-problems' });
    const findings = report['findings'] as {
      code: string;
      severity: string;
      evidence: { file: string; seq: number }[];
    }[];
    const serious = findings.filter((finding) => finding.severity !== 'info');
    expect(serious.map((finding) => finding.code)).toEqual(['entries.unreadable']);
    expect(serious[0]?.evidence[0]).toMatchObject({ seq: 5 });
    expect(serious[0]?.evidence[0]?.file).toContain('worker-0002/0002-0002.ndjson');
  });

  test('every command leaves the journal as it is', async () => {
    const before = checkJournal(place.journal, { crashed: true });
    for (const command of ['verify', 'replay', 'diagnose', 'status', 'stats', 'scans'])
      await run(place.args(command));
    expect(checkJournal(place.journal, { crashed: true })).toEqual(before);
    expect(statSync(file('worker-0002/0001-0001.ndjson')).size).toBe(903);
  });
});

describe('damage', () => {
  test('one flipped bit costs one record, named by its seq; all else is replayed', async () => {
    flip('worker-0001/0001-0001.ndjson', 700);
    const { sound, rows } = await verify(5);
    expect(sound).toBe(false);
    expect(rows.get('worker-0001/0001-0001.ndjson')).toMatchObject({
      state: 'damaged',
      records: 3,
      lost: [{ fromSeq: 2, toSeq: 2 }],
    });
    const replay = await run(place.args('replay', '--json'));
    expect(replay.code).toBe(5);
    expect(JSON.parse(replay.stdout)).toMatchObject({ files: 4 });
    const diagnosis = await runJson(place.args('diagnose', '--offline'), 0);
    expect(diagnosis['verdict']).not.toBe('complete');
    expect((diagnosis['findings'] as { code: string }[]).map((finding) => finding.code)).toContain(
      'journal.damaged',
    );
  });

  test('a deleted segment is lost, and has a row', async () => {
    rmSync(file('worker-0002/0002-0002.ndjson'));
    const { rows } = await verify(5);
    expect(rows.get('worker-0002/0002-0002.ndjson')).toMatchObject({
      state: 'lost',
      records: 0,
      lost: [{ fromSeq: 4, toSeq: 7 }],
    });
  });

  test('a segment cut on a record boundary below a witness is lost', async () => {
    const lines = readFileSync(file('worker-0001/0001-0001.ndjson'), 'utf8').split('\n');
    truncateSync(
      file('worker-0001/0001-0001.ndjson'),
      Buffer.byteLength(`${lines.slice(0, 2).join('\n')}\n`),
    );
    const { rows } = await verify(5);
    expect(rows.get('worker-0001/0001-0001.ndjson')).toMatchObject({
      state: 'lost',
      records: 2,
      lost: [{ fromSeq: 3, toSeq: 4 }],
    });
  });

  test('a scan folder without its coordinator is lost', async () => {
    rmSync(file('coordinator'), { recursive: true });
    expect((await verify(5)).sound).toBe(false);
  });

  test('bytes after a seal are damage', async () => {
    appendFileSync(file('worker-0001/0001-0001.ndjson'), 'garbage');
    expect((await verify(5)).rows.get('worker-0001/0001-0001.ndjson')?.state).toBe('damaged');
  });

  test('an empty segment is torn, with no records', async () => {
    writeFileSync(file('worker-0002/0003-0001.ndjson'), '');
    const { sound, rows } = await verify(0);
    expect(sound).toBe(true);
    expect(rows.get('worker-0002/0003-0001.ndjson')).toMatchObject({ state: 'torn', records: 0 });
  });

  test('a last record without its LF is valid', async () => {
    const size = statSync(file('coordinator/0001-0002.ndjson')).size;
    truncateSync(file('coordinator/0001-0002.ndjson'), size - 1);
    expect((await verify(0)).rows.get('coordinator/0001-0002.ndjson')).toMatchObject({
      state: 'sealed',
      records: 8,
    });
  });
});

describe('repair', () => {
  test('--dry-run says what it would do and does nothing', async () => {
    const outcome = await run(place.args('repair', '--dry-run', '--json'));
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(statSync(file('worker-0002/0001-0001.ndjson')).size).toBe(903);
    expect(existsSync(join(place.dataDir, 'quarantine'))).toBe(false);
  });

  test('copies the torn tail to quarantine, cuts it, journals it, and is done the second time', async () => {
    const tail = readFileSync(file('worker-0002/0001-0001.ndjson')).subarray(871);
    await runJson(place.args('repair'), 0);
    expect(statSync(file('worker-0002/0001-0001.ndjson')).size).toBe(871);
    const kept = contentsBelow(join(place.dataDir, 'quarantine'));
    expect(kept.some((bytes) => bytes.equals(tail))).toBe(true);
    expect(checkJournal(place.journal, { crashed: true }).types['journal.repaired']).toBe(1);
    await runJson(place.args('repair'), 0);
    expect(checkJournal(place.journal, { crashed: true }).types['journal.repaired']).toBe(1);
    expect((await verify(0)).rows.get('worker-0002/0001-0001.ndjson')?.state).toBe('open');
    await runJson(place.args('replay'), 0);
  });
});

/** Contents of all files below a folder. */
function contentsBelow(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}
