import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, runJson } from '../support/cli.js';
import { CraftedScan } from '../support/craft.js';
import { ScanStory } from '../support/craft-scan.js';
import { catalogDigest, sql } from '../support/outside.js';

const NAMED =
  /^nas-scanner: \S+\/(\S+), record 1\/\d+: (\S+) has (?:version|format) 2; this program knows up to 1$/m;
/** The `segment.opened` of a later program's segment: the same event, another format. */
const NEWER_FORMAT = { format: 2, hostname: 'tower', segment: 1, previous: null, coordinator: null };
let root: string;
let dataDir: string;
let args: (...words: string[]) => string[];

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'nas-newer-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Finding {
  code: string;
  severity: string;
  title: string;
  explains: string[];
}

/** A whole scan that this program wrote, and a later one of which a newer program wrote one record. */
function write(writer: 'coordinator' | 'worker-0001', type: string, data: Record<string, unknown>): string {
  const journal = join(dataDir, 'journal');
  new ScanStory(journal, 'process').plan(1).completes(1).ends('complete');
  const later = new ScanStory(journal, 'process', Date.parse('2026-04-01T10:00:00.000Z')).plan(1);
  const v = 'format' in data ? 1 : 2;
  if (writer === 'coordinator') later.coordinator.append(type, data, v);
  else if (v === 1) later.scan.writer(writer).open({ format: 2 }).seal();
  else later.scan.writer(writer).open().append(type, data, v).seal();
  later.coordinator.append('scan.interrupted', { signal: 'SIGTERM' }).seal();
  return later.scan.id;
}

describe.each([
  ['worker-0001', 'files.batch', { listings: [] }],
  ['coordinator', 'chunk.completed', { chunks: [1] }],
  ['coordinator', 'writer.progressed', { writer: 7, where: 'elsewhere' }],
  ['coordinator', 'segment.opened', { segments: 'all' }],
  ['worker-0001', 'segment.opened', NEWER_FORMAT],
  ['coordinator', 'segment.opened', NEWER_FORMAT],
] as const)('a newer record: %s %s', (writer, type, data) => {
  let scan: string;

  beforeAll(() => {
    dataDir = mkdtempSync(join(root, 'data-'));
    args = (...words) => [...words, '--data-dir', dataDir];
    mkdirSync(join(dataDir, 'journal'));
    scan = write(writer, type, data);
  });

  test('stops a replay with one clear line, and the catalog stays as it was', async () => {
    const older = readdirSync(join(dataDir, 'journal')).sort().at(0);
    await runJson(args('replay', '--scan', older ?? ''), 0);
    const catalog = join(dataDir, 'smart_catalog.db');
    const before = catalogDigest(catalog);
    const { code, stderr } = await run(args('replay'));
    expect(code).toBe(1);
    expect(NAMED.exec(stderr)?.slice(1)).toEqual([writer, type]);
    expect(stderr.trim().split('\n')).toHaveLength(2);
    expect(catalogDigest(catalog)).toBe(before);
    expect((await runJson(args('stats'), 0))['files']).toBe(2);
    expect(sql(catalog, 'SELECT count(*) FROM scans')).toBe('1');
  });

  test('changes nothing about what verify says of the bytes, and verify names it', async () => {
    const report = await runJson(args('verify'), 0);
    expect(report).toMatchObject({
      sound: true,
      newerVersions: { [`${type} ${'format' in data ? 'format 2' : 'v2'}`]: 1 },
    });
    const states = (report['segments'] as { state: string }[]).map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['sealed']));
  });

  test('is a finding of the diagnosis, which never calls such a scan complete', async () => {
    const { verdict, findings } = await runJson(args('diagnose', '--offline', '--scan', scan), 0);
    expect(verdict).not.toMatch(/^complete/);
    const [first] = findings as Finding[];
    expect(first).toMatchObject({ code: 'journal.newer-version', severity: 'error' });
    expect(first?.title).toContain(`${type} ${'format' in data ? 'format' : 'version'} 2`);
  });

  test('status and scans go on without it where they can, and name it where they cannot', async () => {
    for (const command of ['status', 'scans']) {
      const { code, stderr } = await run(args(command));
      expect(code).toBe(writer === 'coordinator' ? 1 : 0);
      if (writer === 'coordinator') expect(NAMED.exec(stderr)?.slice(1)).toEqual([writer, type]);
    }
  });
});

test('a scan of a data directory with newer records names them instead of guessing', async () => {
  dataDir = mkdtempSync(join(root, 'data-'));
  args = (...words) => [...words, '--data-dir', dataDir];
  write('coordinator', 'chunk.completed', { chunks: [1] });
  const tree = join(root, 'tree');
  mkdirSync(tree);
  const { code, stderr } = await run(args('scan', tree, 'Tree', '--engine', 'process', '--quiet'));
  expect(code).toBe(1);
  expect(stderr).toContain('chunk.completed has version 2; this program knows up to 1');
  const { stdout } = await run(args('verify'));
  expect(stdout).toContain('chunk.completed v2 (1)');
});

describe.each([
  ['worker-0001', { format: 2 }],
  ['worker-0001', { v: 2 }],
  ['coordinator', { format: 2 }],
] as const)(
  'repair, where a newer program began a segment that ends in odd bytes: %s %j',
  (writer, opening) => {
    let journal: string;
    let newer: string;
    let torn: string;

    beforeEach(() => {
      dataDir = mkdtempSync(join(root, 'data-'));
      args = (...words) => [...words, '--data-dir', dataDir];
      journal = join(dataDir, 'journal');
      const scan = new CraftedScan(journal);
      const other = writer === 'coordinator' ? 'worker-0001' : 'coordinator';
      [newer, torn] = [writer, other].map((name) => join(scan.id, name, '0001-0001.ndjson')) as [
        string,
        string,
      ];
      scan
        .writer(writer)
        .open(opening)
        .append('some.thing', {})
        .tear('{"seq":9,"other":"rules"}\nand no end');
      scan.writer(other).open().append('some.thing', {}).tear('and no end');
    });

    test('leaves that one byte for byte, says so, and mends the others', async () => {
      const before = readFileSync(join(journal, newer));
      const others = readdirSync(join(journal, dirname(newer)));
      const { code, stdout, stderr } = await run(args('repair', '--json'));
      expect(code, stderr).toBe(1);
      const { steps, refused } = JSON.parse(stdout) as {
        steps: { file: string; cut: boolean }[];
        refused: unknown;
      };
      expect(steps).toMatchObject([{ file: torn, cut: true }]);
      expect(refused).toMatchObject([{ file: newer }]);
      expect(readFileSync(join(journal, newer))).toEqual(before);
      expect(readFileSync(join(journal, torn)).includes('no end')).toBe(false);
      // Nor is another epoch begun beside it, which would bound it.
      expect(readdirSync(join(journal, dirname(newer)))).toEqual(others);
      expect(readdirSync(join(dataDir, 'quarantine'), { recursive: true }).join()).not.toContain(
        basename(dirname(newer)),
      );
    });

    test('is not what verify advises', async () => {
      const { stdout } = await run(args('verify'));
      const words = stdout.replaceAll(/\s+/g, ' ');
      expect(words).toContain('A newer program began it, so it may well be sound');
      expect(words.split('nas-scanner repair cuts it off')).toHaveLength(2); // the other file
    });

    test('says what to do, on a dry run too', async () => {
      for (const more of [['--dry-run'], []]) {
        const { code, stdout } = await run(args('repair', ...more));
        expect(code).toBe(1);
        const words = stdout.replaceAll(/\s+/g, ' ');
        expect(words).toContain(`${newer} was begun by a newer program`);
        expect(words).toMatch(/Repair it with the program that wrote it, or a newer one/);
      }
      expect(existsSync(join(journal, newer))).toBe(true);
    });
  },
);
