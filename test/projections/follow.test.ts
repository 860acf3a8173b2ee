import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Follow } from '../../projections/follow.js';
import { replay } from '../../projections/runner.js';
import { digestOf } from './support/digest-of.js';

const GOLDEN = new URL('../fixtures/golden-journal', import.meta.url).pathname;
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const databaseName = 'smart_catalog.db';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-follow-'));
  cpSync(GOLDEN, dataDir, { recursive: true });
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test('following a scan to its end gives the rows that a replay gives', async () => {
  const told: string[] = [];
  const follow = new Follow(
    { dataDir, databaseName, scan: SCAN },
    {
      onOpened: (mode, reason) => told.push(`opened ${mode}: ${reason}`),
      onTrouble: (code, detail) => told.push(`${code}: ${detail}`),
      onRecovered: () => told.push('recovered'),
      onProgress: () => undefined,
    },
  );
  expect(await follow.drain({ timeoutMs: 10_000, patient: true })).toEqual({
    upToDate: true,
    detail: '',
  });
  await follow.close();
  expect(told).toEqual(['opened wal: shared memory works here']);
  const to = join(dataDir, 'replayed.db');
  await replay({ dataDir, databaseName, to });
  expect(digestOf(join(dataDir, databaseName))).toEqual(digestOf(to));
});

// What a kill in its first moment leaves of a scan, before its first record is on disk.
test.each([
  ['an empty file', ''],
  ['zeros', '\0'.repeat(100)],
  ['the start of a record', '{"seq":1,"dura'],
  ['folders', null],
])('an older scan of which nothing but %s is left holds no new catalog up', async (_what, bytes) => {
  const coordinator = join(dataDir, 'journal', '01KAR000000000000000000000', 'coordinator');
  mkdirSync(coordinator, { recursive: true });
  if (bytes !== null) writeFileSync(join(coordinator, '0001-0001.ndjson'), bytes);
  const told: string[] = [];
  const follow = new Follow(
    { dataDir, databaseName, scan: SCAN },
    {
      onOpened: () => told.push('opened'),
      onTrouble: (code, detail) => told.push(`${code}: ${detail}`),
      onRecovered: () => told.push('recovered'),
      onProgress: () => undefined,
    },
  );
  expect(await follow.drain({ timeoutMs: 5_000, patient: true })).toEqual({
    upToDate: true,
    detail: '',
  });
  await follow.close();
  expect(told).toEqual(['opened']);
  const to = join(dataDir, 'replayed.db');
  await replay({ dataDir, databaseName, to });
  expect(digestOf(join(dataDir, databaseName))).toEqual(digestOf(to));
});
