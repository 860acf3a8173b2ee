import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SegmentReport } from '../../journal/recovery.js';
import { ENTRY, run } from '../support/cli.js';
import { CraftedScan } from '../support/craft.js';
import { HOST, MOUNT, ScanStory } from '../support/craft-scan.js';
import { hasStrace, inCi, straceWith } from '../support/journal-faults.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const GOLDEN = join(import.meta.dirname, '../fixtures/golden-journal');
const PAGE_BYTES = 4096;
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-unreadable-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

interface Verified {
  sound: boolean;
  records: number;
  segments: SegmentReport[];
}

/** A command of ours, with what strace injects whenever it touches one file. */
function withFault(
  file: string,
  call: string,
  inject: string,
  ...args: string[]
): { code: number | null; stdout: string; stderr: string } {
  const [strace = '', ...traced] = straceWith(`${call}:${inject}`, [join(dataDir, 'journal', file)], call);
  const command = [process.execPath, ENTRY, ...args, '--data-dir', dataDir];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const done = spawnSync(strace, [...traced, ...command], { env, encoding: 'utf8' });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

describe.skipIf(!hasStrace && !inCi)('a segment that the system does not give', () => {
  const file = `${SCAN}/worker-0001/0001-0001.ndjson`;

  test.each([
    ['pread64', 'error=EIO', 'EIO'],
    ['openat', 'error=EACCES', 'EACCES'],
    ['openat', 'error=EIO', 'EIO'],
  ])('%s %s: it is called damaged, the reason is said, and all others are told of', (call, inject, code) => {
    cpSync(GOLDEN, dataDir, { recursive: true });
    const done = withFault(file, call, inject, 'verify', '--json');
    expect(done.code, done.stderr).toBe(5);
    const { sound, records, segments } = JSON.parse(done.stdout) as Verified;
    expect([sound, records, segments.length]).toEqual([false, 32, 6]);
    const report = segments.find((segment) => segment.file === file);
    expect(report).toMatchObject({
      state: 'damaged',
      records: 0,
      goodBytes: 0,
      lost: [{ fromSeq: 1, toSeq: 4 }],
    });
    expect(report?.badBytes).toBe(readFileSync(join(dataDir, 'journal', file)).length);
    expect(report?.detail.join()).toContain(code);
    const others = segments.filter((segment) => segment !== report).map(({ state }) => state);
    expect(others).toEqual(['sealed', 'sealed', 'torn', 'sealed', 'sealed']);
    expect(withFault(file, call, inject, 'verify').stdout).toMatch(
      new RegExp(`worker-0001.*damaged[^]*${code}`),
    );
  });

  test('an error that does not come again costs nothing', () => {
    cpSync(GOLDEN, dataDir, { recursive: true });
    const done = withFault(file, 'pread64', 'error=EIO:when=1', 'verify', '--json');
    expect(done.code, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ sound: true, records: 36 });
  });

  test('replay takes all else and says what is missing; repair leaves it alone', () => {
    cpSync(GOLDEN, dataDir, { recursive: true });
    const replayed = withFault(file, 'pread64', 'error=EIO', 'replay', '--json');
    expect(replayed.code, replayed.stderr).toBe(5);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ files: 4, sound: false });
    expect(replayed.stderr).toContain(`journal damaged: ${SCAN}`);
    const repaired = withFault(file, 'pread64', 'error=EIO', 'repair', '--json');
    expect(repaired.code, repaired.stderr).toBe(0);
    expect(JSON.parse(repaired.stdout)).toMatchObject({ cut: 1, steps: [{ cut: true }] });
  });

  test('status, scans and diagnose tell what is left, also beside other scans', () => {
    cpSync(GOLDEN, dataDir, { recursive: true });
    new ScanStory(join(dataDir, 'journal'), 'process', Date.parse('2025-01-01T00:00:00Z')).plan(1);
    const coordinator = `${SCAN}/coordinator/0001-0002.ndjson`;
    for (const command of ['status', 'scans', 'diagnose']) {
      const done = withFault(coordinator, 'pread64', 'error=EIO', command, '--json');
      expect(done.code, `${command}: ${done.stderr}`).toBe(0);
      expect(done.stdout).toContain(SCAN);
    }
  });

  test('a folder that cannot be listed counts as a segment that cannot be read', () => {
    cpSync(GOLDEN, dataDir, { recursive: true });
    const done = withFault(`${SCAN}/worker-0001`, 'openat', 'error=EACCES', 'verify', '--json');
    expect(done.code, done.stderr).toBe(5);
    const { segments } = JSON.parse(done.stdout) as Verified;
    const report = segments.find(({ writer }) => writer === 'worker-0001');
    expect(report).toMatchObject({ state: 'damaged', records: 0, lost: [{ fromSeq: 1, toSeq: 4 }] });
  });
});

/** A worker's segment of 400 records of 1,000 bytes. */
function writeBig(): { file: string; bytes: number } {
  const scan = new CraftedScan(join(dataDir, 'journal'));
  const coordinator = scan.writer('coordinator').open();
  coordinator.append('scan.started', {
    mountPath: MOUNT,
    mountName: 'Archive',
    engine: 'process',
    options: {},
    host: HOST,
  });
  const worker = scan.writer('worker-0001').open();
  for (let i = 0; i < 400; i += 1) {
    const rows = [[`f${i}${'x'.repeat(500)}`, i, '1700000000000000000']];
    const counts = { entries: 1, subdirectories: 0, others: 0, excluded: 0 };
    const directory = {
      path: `${MOUNT}/d${String(i).padStart(3, '0')}`,
      part: 1,
      last: true,
      rows,
      problems: [],
      ...counts,
    };
    worker.append('files.batch', {
      chunk: 1,
      attempt: 1,
      columns: ['name', 'size', 'mtimeNs'],
      directories: [directory],
    });
  }
  worker.seal();
  const path = scan.path('worker-0001', 1, 1);
  return { file: path, bytes: readFileSync(path).length };
}

describe.skipIf(!canMountFuse && !inCi)('a bad sector within a segment', () => {
  test.each([0, 20 * PAGE_BYTES - 17, 49 * PAGE_BYTES, -1])(
    'at %i costs the records in it and no other',
    async (where) => {
      const { file, bytes } = writeBig();
      const at = where < 0 ? bytes - PAGE_BYTES : where;
      const offset = Math.floor(at / PAGE_BYTES) * PAGE_BYTES;
      const lines = readFileSync(file, 'latin1').split('\n').slice(0, -1);
      let begin = 0;
      const hit = lines.filter((line) => {
        const from = begin;
        begin += line.length + 1;
        return from < offset + PAGE_BYTES && begin > offset;
      });
      const point = join(dataDir, '..', `${dataDir.split('/').at(-1) ?? ''}-mount`);
      const faults = { LATENCY_MS: '0', LATENCY_EIO: 'worker-0001/', LATENCY_EIO_AT: String(offset) };
      mkdirSync(point);
      const mount = await LatencyMount.open(dataDir, point, faults);
      try {
        const done = await run(['verify', '--data-dir', point, '--json']);
        expect(done.code, done.stderr).toBe(5);
        const { records, segments } = JSON.parse(done.stdout) as Verified;
        expect(records).toBe(2 + lines.length - hit.length);
        const report = segments.find(({ writer }) => writer === 'worker-0001');
        expect(report?.state).toBe('damaged');
        expect(report?.detail.join()).toContain('EIO');
        expect((report?.goodBytes ?? 0) + (report?.badBytes ?? 0)).toBe(bytes);
        const to = join(dataDir, 'replayed.db');
        const replayed = await run(['replay', '--data-dir', point, '--to', to, '--json']);
        expect(replayed.code, replayed.stderr).toBe(5);
        const batches = hit.filter((line) => line.includes('files.batch')).length;
        expect(JSON.parse(replayed.stdout)).toMatchObject({ files: 400 - batches });
      } finally {
        mount.close();
        rmSync(point, { recursive: true, force: true });
      }
    },
  );
});
