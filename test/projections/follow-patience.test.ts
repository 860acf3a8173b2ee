import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openForReading } from '../../projections/open-catalog.js';
import { Follow, type FollowListener } from '../../projections/follow.js';
import { replay } from '../../projections/runner.js';
import { writeScan } from '../support/made-up-scan.js';
import { digestOf } from './support/digest-of.js';

const EARLIER = '01KARA41R028T5CY4GNF6YY4HM';
const SCAN = '01KARA41R028T5CY4GNF6YY4HN';
const databaseName = 'catalog.db';
const TIMEOUT_MS = 10_000;

let dataDir: string;
let catalog: string;
let told: string[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-patience-'));
  catalog = join(dataDir, databaseName);
  told = [];
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** Some 8 MiB: as many looks at the clock, and more. */
function write(scan: string, mountPath: string, filesEach = 50): void {
  const directories = filesEach === 0 ? 60_000 : 700;
  writeScan(join(dataDir, 'journal'), { scan, mountPath, directories, filesEach, nameLength: 200 });
}

/** One file. */
function writeFile(scan: string, mountPath: string): void {
  const small = { directories: 1, filesEach: 1, nameLength: 10 };
  writeScan(join(dataDir, 'journal'), { scan, mountPath, ...small });
}

function follow(onProgress: FollowListener['onProgress'], now?: () => number): Follow {
  const listener: FollowListener = {
    onOpened: () => undefined,
    onTrouble: (code, detail) => told.push(`${code}: ${detail}`),
    onRecovered: () => told.push('recovered'),
    onProgress,
  };
  return new Follow({ dataDir, databaseName, scan: SCAN }, listener, now);
}

/** A clock on which every look takes long: a few of them without progress are too many. */
function slowClock(stepMs = 1_500): () => number {
  let nowMs = 0;
  return () => (nowMs += stepMs);
}

function count(table: string): number {
  const database = openForReading(catalog);
  try {
    return database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  } finally {
    database.close();
  }
}

async function expectWhole(): Promise<void> {
  const to = join(dataDir, 'replayed.db');
  await replay({ dataDir, databaseName, to });
  expect(digestOf(catalog)).toEqual(digestOf(to));
}

/** What there is to catch up with: the followed scan itself, an earlier one, or all of it because there is no catalog. */
const BACKLOGS: [string, () => Promise<void>][] = [
  [
    'the followed scan',
    () => {
      write(SCAN, '/m');
      return Promise.resolve();
    },
  ],
  [
    'an earlier scan',
    async () => {
      writeFile('01KARA41R028T5CY4GNF6YY4HA', '/first');
      await replay({ dataDir, databaseName });
      write(EARLIER, '/other');
      writeFile(SCAN, '/m');
    },
  ],
  [
    'a catalog to be built anew',
    () => {
      write(EARLIER, '/other');
      writeFile(SCAN, '/m');
      return Promise.resolve();
    },
  ],
];

describe.each(BACKLOGS)('behind by %s', (_what, prepare) => {
  beforeEach(prepare);

  test('who is patient waits as long as there is progress', async () => {
    let progress = 0;
    const following = follow(() => (progress += 1), slowClock());
    const drained = await following.drain({ timeoutMs: TIMEOUT_MS, patient: true });
    await following.close();
    expect(drained).toEqual({ upToDate: true, detail: '' });
    expect(progress).toBeGreaterThan(3);
    await expectWhole();
  });

  test('who is not waits for that long in all', async () => {
    const following = follow(() => undefined, slowClock());
    const drained = await following.drain({ timeoutMs: TIMEOUT_MS, patient: false });
    await following.close();
    expect(drained).toEqual({ upToDate: false, detail: 'it did not catch up in time' });
  });

  test('whoever ends the wait has an answer at once, and closing stops between batches', async () => {
    const stop = new AbortController();
    const following = follow(() => {
      stop.abort();
    });
    const drained = await following.drain({ timeoutMs: TIMEOUT_MS, patient: true }, stop.signal);
    expect(drained.upToDate).toBe(false);
    await following.close();
    expect(told.filter((line) => line.includes('stopped') || line.includes('let go'))).toEqual([]);
    expect(existsSync(`${catalog}.building`)).toBe(false);
    // It stopped in the middle, and what it left is gone on with.
    if (existsSync(catalog)) expect(count('files')).toBeLessThan(35_000);
    const next = follow(() => undefined);
    expect(await next.drain({ timeoutMs: TIMEOUT_MS, patient: true })).toMatchObject({ upToDate: true });
    await next.close();
    await expectWhole();
  });
});

test('directories without files are committed like files, so that readers see them come', async () => {
  write(SCAN, '/m', 0);
  const seen = new Set<number>();
  const following = follow(() => {
    if (existsSync(catalog)) seen.add(count('directories'));
  }, slowClock());
  await following.drain({ timeoutMs: 10 ** 9, patient: true });
  await following.close();
  expect(count('directories')).toBe(60_001);
  expect([...seen].filter((rows) => rows > 0 && rows < 60_001).length).toBeGreaterThan(1);
});

test('how much is left is told, and shrinks', async () => {
  write(SCAN, '/m');
  const left: number[] = [];
  const following = follow((bytesLeft) => {
    if (bytesLeft !== null) left.push(bytesLeft);
  }, slowClock());
  await following.drain({ timeoutMs: 10 ** 9, patient: true });
  await following.close();
  expect(left.length).toBeGreaterThan(3);
  expect(left).toEqual([...left].sort((a, b) => b - a));
  expect(left.at(-1)).toBeLessThan((left[0] ?? 0) / 2);
});

test('what is built anew again and again is not waited for without end', async () => {
  write(EARLIER, '/other');
  write(SCAN, '/m');
  // Somebody takes it away whenever some of it is there.
  const clock = slowClock(600);
  let taken = 0;
  const following = follow((bytesLeft) => {
    if (bytesLeft === null || !existsSync(catalog)) return;
    taken += 1;
    rmSync(catalog, { force: true });
    for (const end of ['-wal', '-shm']) rmSync(catalog + end, { force: true });
  }, clock);
  const drained = await following.drain({ timeoutMs: TIMEOUT_MS, patient: true });
  await following.close();
  expect(taken).toBeGreaterThan(0);
  expect(drained.upToDate).toBe(false);
}, 60_000);
