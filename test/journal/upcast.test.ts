import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type * as EventVersions from '../../journal/event-versions.js';
import type { EventData } from '../../journal/events/index.js';
import type * as Upcast from '../../journal/events/upcast.js';
import { catalogDigest } from '../../projections/digest.js';
import { loadScan } from '../../projections/diagnosis/load.js';
import { Follow } from '../../projections/follow.js';
import { openForReading } from '../../projections/open-catalog.js';
import { replay } from '../../projections/runner.js';

/**
 * A program of tomorrow: its `files.batch` is at version 3. From the first version to the second every size was
 * doubled, from that to the third one was added, so both steps and their order show in every sum.
 */
vi.mock('../../journal/event-versions.js', async (importOriginal) => {
  const original = await importOriginal<typeof EventVersions>();
  return { ...original, EVENT_VERSIONS: { ...original.EVENT_VERSIONS, 'files.batch': 3 } };
});
vi.mock('../../journal/events/upcast.js', async (importOriginal) => {
  const original = await importOriginal<typeof Upcast>();
  const steps = { 'files.batch': [withSizes((size) => size * 2n), withSizes((size) => size + 1n)] };
  return {
    ...original,
    upcast: (...[type, v, data]: Parameters<typeof Upcast.upcast>) => original.upcast(type, v, data, steps),
  };
});

function withSizes(change: (size: bigint) => bigint): Upcast.Upcaster {
  return (data) => {
    const batch = data as EventData<'files.batch'>;
    const at = batch.columns.indexOf('size');
    const raise = (row: unknown[]): unknown[] =>
      row.map((cell, i) => (i === at ? String(change(BigInt(cell as string))) : cell));
    const directories = batch.directories.map((entry) => ({ ...entry, rows: entry.rows.map(raise) }));
    return { ...batch, directories };
  };
}

const FIXTURES = join(import.meta.dirname, '../fixtures');
const expected = JSON.parse(readFileSync(join(FIXTURES, 'golden-journal.expected.json'), 'utf8')) as {
  files: { size: string }[];
};
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const GOLDEN = join(FIXTURES, 'golden-journal');
/** The sum of the golden journal's sizes, once they are raised. */
const RAISED = expected.files.reduce((sum, { size }) => sum + 2n * BigInt(size) + 1n, 0n);
let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-upcast-'));
  cpSync(GOLDEN, dataDir, { recursive: true });
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

function sizesIn(catalog: string): { bytes: bigint | undefined; digest: Record<string, string> } {
  const database = openForReading(catalog);
  try {
    const sum = database.prepare<[], bigint>('SELECT sum(size) FROM files').pluck().safeIntegers();
    return { bytes: sum.get(), digest: catalogDigest(database) };
  } finally {
    database.close();
  }
}

test('a replay and a follower raise what an older program wrote', async () => {
  const { catalog } = await replay({ dataDir, databaseName: 'replayed.db' });
  const replayed = sizesIn(catalog);
  expect(replayed.bytes).toBe(RAISED);
  const ignore = (): void => undefined;
  const target = { dataDir, databaseName: 'followed.db', scan: SCAN };
  const follow = new Follow(target, {
    onOpened: ignore,
    onTrouble: ignore,
    onRecovered: ignore,
    onProgress: ignore,
  });
  expect(await follow.drain({ timeoutMs: 20_000, patient: true })).toMatchObject({ upToDate: true });
  await follow.close();
  expect(sizesIn(join(dataDir, 'followed.db'))).toEqual(replayed);
});

test('so does the diagnosis', async () => {
  const { fold, report } = await loadScan(join(dataDir, 'journal'), { scan: SCAN, dataDir: null });
  expect(fold.finish(report).totals.bytes).toBe(RAISED);
});
