import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repairScan, type RepairStep } from '../../journal/repair.js';
import { recoverScan } from '../../journal/recovery.js';
import { hasStrace, inCi } from '../support/journal-faults.js';
import { repairKilledAt } from '../support/repair-kill.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const GOLDEN = join(import.meta.dirname, '../fixtures/golden-journal/journal');
const TORN = `${SCAN}/worker-0002/0001-0001.ndjson`;
let dataDir: string;
let journalDir: string;
let quarantineDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-repair-'));
  journalDir = join(dataDir, 'journal');
  quarantineDir = join(dataDir, 'quarantine');
  cpSync(GOLDEN, journalDir, { recursive: true });
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const repair = async (): Promise<RepairStep[]> =>
  (await repairScan({ journalDir, quarantineDir, scan: SCAN, hostname: 'h' })).steps;

test('a torn tail is copied, journaled and cut; everything else stays byte for byte', async () => {
  const before = readFileSync(join(journalDir, TORN));
  const [step, ...more] = await repair();
  expect(more).toEqual([]);
  expect(step).toMatchObject({ file: TORN, fromByte: 871, toByte: 903, cut: true });
  expect(readFileSync(join(quarantineDir, step?.quarantine ?? ''))).toEqual(before.subarray(871));
  expect(readFileSync(join(journalDir, TORN))).toEqual(before.subarray(0, 871));
  const report = await recoverScan(journalDir, SCAN);
  expect(report.sound).toBe(true);
  expect(report.segments.map(({ state }) => state)).not.toContain('torn');
  expect(report.records).toBe(36 + 3);
  for (const file of readdirSync(GOLDEN, { recursive: true, encoding: 'utf8' })) {
    if (file === TORN || !file.endsWith('.ndjson')) continue;
    expect(readFileSync(join(journalDir, file)), file).toEqual(readFileSync(join(GOLDEN, file)));
  }
  expect(await repair()).toEqual([]);
});

test('damage in the middle is copied and left where it is', async () => {
  const file = join(journalDir, SCAN, 'worker-0001', '0001-0001.ndjson');
  const bytes = readFileSync(file);
  bytes[500] = (bytes[500] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const steps = await repair();
  const step = steps.find(({ cut }) => !cut);
  expect(step).toMatchObject({ fromByte: 340, toByte: 848 });
  expect(readFileSync(join(quarantineDir, step?.quarantine ?? ''))).toEqual(bytes.subarray(340, 848));
  expect(readFileSync(file)).toEqual(bytes);
});

test('a coordinator that would lose records by a new epoch is left alone: the repair is a scan of its own', async () => {
  const file = join(journalDir, SCAN, 'coordinator', '0001-0002.ndjson');
  const bytes = readFileSync(file);
  bytes.fill(0, bytes.indexOf('{"seq":21,'), bytes.indexOf('{"seq":22,'));
  writeFileSync(file, bytes);
  await repair();
  expect(readdirSync(join(journalDir, SCAN, 'coordinator'))).toHaveLength(2);
  const scans = readdirSync(journalDir).sort();
  expect(scans).toHaveLength(2);
  expect((await recoverScan(journalDir, scans[1] ?? '')).records).toBe(3);
  expect(statSync(join(journalDir, TORN)).size).toBe(871);
});

describe.skipIf(!hasStrace && !inCi)('killed on the way (skipped without strace)', () => {
  test.each([
    ['openat', 2],
    ['write', 1],
    ['write', 2],
    ['fsync', 1],
    ['fsync', 3],
    ['fdatasync', 1],
    ['fdatasync', 2],
    ['rename', 1],
    ['ftruncate', 1],
  ])('at %s number %i, a second run ends as if nothing had happened', (call, when) => {
    expect(repairKilledAt(dataDir, call, when)).toBeNull();
    expect(existsSync(join(journalDir, TORN))).toBe(true);
    expect(statSync(join(journalDir, TORN)).size).toBe(871);
  });
});

test('the command takes the lock, and does nothing on --dry-run', () => {
  const main = join(import.meta.dirname, '../../dist/cli/main.js');
  const run = (...args: string[]): { status: number | null; out: unknown } => {
    const { status, stdout } = spawnSync(process.execPath, [
      main,
      'repair',
      '--data-dir',
      dataDir,
      '--json',
      ...args,
    ]);
    return { status, out: JSON.parse(stdout.toString()) as unknown };
  };
  expect(run('--dry-run')).toMatchObject({ status: 0, out: { dryRun: true, cut: 1, bytes: 32 } });
  expect(statSync(join(journalDir, TORN)).size).toBe(903);
  expect(run()).toMatchObject({ status: 0, out: { dryRun: false, cut: 1 } });
  expect(statSync(join(journalDir, TORN)).size).toBe(871);
});
