import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { replay } from '../../projections/runner.js';
import { run, runJson, Running, until } from '../support/cli.js';
import { JournalOnDisk } from './support/journal-on-disk.js';
import { digestOf } from './support/digest-of.js';

// A journal so big that the built program reads it in a thread of its own.

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const DIRECTORIES = 4_000;
const FILES = 60;
const root = mkdtempSync(join(tmpdir(), 'nas-feed-'));
const dataDir = join(root, 'data');
let truth: Record<string, string>;

beforeAll(async () => {
  const journal = new JournalOnDisk(join(dataDir, 'journal'));
  const tell = (writer: string, type: string, data: object): void => {
    journal.append({ scan: SCAN, writer, type, data });
  };
  const host = { hostname: 'h', bootId: 'b', cpus: 1, memoryBytes: 1 };
  tell('coordinator', 'scan.started', {
    mountPath: '/m',
    mountName: 'm',
    engine: 'process',
    options: {},
    host,
  });
  for (let at = 0; at < DIRECTORIES; at += 20) {
    const directories = Array.from({ length: 20 }, (_, i) => listed(at + i));
    const columns = ['name', 'size', 'mtimeNs', 'checksum'];
    tell('worker-0001', 'files.batch', { chunk: 1, attempt: 1, columns, directories });
  }
  tell('worker-0001', 'seal', {});
  tell('coordinator', 'seal', {});
  const catalog = join(root, 'alone.db');
  await replay({ dataDir, databaseName: 'unused.db', to: catalog });
  truth = digestOf(catalog);
}, 60_000);

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Some of each kind: plain rows, rows with escapes, far times, sizes that are texts, names that are not UTF-8. */
function listed(number: number): object {
  const path = `/m/share${number % 7}/folder ${number}`;
  const rows = Array.from({ length: FILES }, (_, i): unknown[] => {
    if (i === 7) return [`with "quotes" ${i}`, i, '1700000000000000000', null];
    // A record with one of these has no place in an image.
    if (i === 8 && number % 200 === 0) return ['far.jpg', i, '-8900000000000000000', 'cd'.repeat(64)];
    if (i === 9 && number % 300 === 0) return ['huge.iso', '9007199254740993', '1700000000000000000', null];
    if (i === 9) return [{ b64: 'gWE=' }, 3, '1700000000000000000', null];
    return [
      `IMG_${i * 7919}_${number}.${i % 2 === 0 ? 'JPG' : 'tar'}`,
      i * 999_983,
      `17${10 + i}000000123456789`,
      null,
    ];
  });
  return {
    path,
    part: 1,
    last: true,
    rows,
    problems: [],
    entries: FILES,
    subdirectories: 0,
    others: 0,
    excluded: 0,
  };
}

const replayArgs = (to: string): string[] => ['replay', '--data-dir', dataDir, '--to', to];

test('its rows are those of a replay without', async () => {
  const folder = join(root, 'plain');
  const to = join(folder, 'fed.db');
  expect(await runJson(replayArgs(to), 0)).toMatchObject({ files: DIRECTORIES * FILES, sound: true });
  expect(digestOf(to)).toEqual(truth);
  expect(readdirSync(folder)).toEqual(['fed.db']);
});

test('killed at any moment it leaves nothing that the next one does not take away', async () => {
  const folder = join(root, 'killed');
  const to = join(folder, 'fed.db');
  mkdirSync(folder);
  for (const ms of [0, 50, 150, 300]) {
    const running = new Running(replayArgs(to));
    await until('an image', () => readdirSync(folder).some((name) => name.includes('-rows')));
    await sleep(ms);
    running.child.kill('SIGKILL');
    await running.ended;
  }
  await runJson(replayArgs(to), 0);
  expect(digestOf(to)).toEqual(truth);
  expect(readdirSync(folder)).toEqual(['fed.db']);
}, 60_000);

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('stopped by %s it leaves nothing', async (signal, code) => {
  const folder = join(root, signal);
  mkdirSync(folder);
  const running = new Running(replayArgs(join(folder, 'fed.db')));
  await until('an image', () => readdirSync(folder).some((name) => name.includes('-rows')));
  running.child.kill(signal);
  const outcome = await running.ended;
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toContain('stopped before the catalog was built');
  expect(readdirSync(folder)).toEqual([]);
});

test('a disk too small for it is named, and nothing is left there', async () => {
  const disk = join(root, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]);
  try {
    const outcome = await run(replayArgs(join(disk, 'fed.db')));
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/cannot be written|is full|no space/i);
    expect(outcome.stderr).toContain(disk);
    expect(readdirSync(disk)).toEqual([]);
  } finally {
    execFileSync('umount', [disk]);
  }
});
