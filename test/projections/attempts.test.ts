import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openForReading } from '../../projections/open-catalog.js';
import { replay } from '../../projections/runner.js';
import { Place } from '../support/cli.js';
import { ScanStory } from '../support/craft-scan.js';

// What the catalog says of attempts whose end was no verdict on their chunk. Real stops and kills: test/contract.

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;
const place = new Place();
afterEach(() => {
  place.remove();
});

test.each([
  ['golden-adoption', 'killed after a second coordinator took it over', 'it was killed (SIGKILL)'],
  ['golden-cleanup', 'swept by cleanup', 'it was told to stop (SIGTERM)'],
])('the worker of %s, %s, has ended', async (name, _how, reason) => {
  cpSync(join(FIXTURES, name), place.dataDir, { recursive: true });
  expect(await attempts()).toEqual([{ chunk: 1, attempt: 1, state: 'ended', reason }]);
});

test('what a coordinator left at its end without a word is lost, a verdict stays', async () => {
  const story = new ScanStory(place.journal, 'docker').plan(3).completes(1);
  story.startFails(2, 1, 'failed', 'no such device');
  story.start(3);
  expect((await attempts()).map(({ state }) => state)).toEqual(['completed', 'failed', 'running']);
  story.ends('incomplete');
  expect((await attempts()).map(({ state }) => state)).toEqual(['completed', 'failed', 'lost']);
});

async function attempts(): Promise<{ state: string }[]> {
  const { catalog } = await replay({ dataDir: place.dataDir, databaseName: 'smart_catalog.db' });
  const database = openForReading(catalog);
  const rows = database.prepare<[], { state: string }>('SELECT chunk, attempt, state, reason FROM attempts');
  try {
    return rows.all();
  } finally {
    database.close();
  }
}
