import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place, runJson } from '../support/cli.js';
import { catalogDigest, sql } from '../support/outside.js';

// One share lies in another, each is scanned under its own name, and the outer scan leaves the inner one out.

let place: Place;

beforeEach(() => {
  place = new Place();
  for (const name of ['in/deep', 'own']) mkdirSync(join(place.tree, name), { recursive: true });
  for (const name of ['in/a', 'in/deep/b', 'own/c', 'top']) writeFileSync(join(place.tree, name), name);
});
afterEach(() => {
  place.remove();
});

const scan = (path: string, name: string, ...options: string[]): Promise<unknown> =>
  runJson(['scan', path, name, '--data-dir', place.dataDir, '--engine', 'process', ...options], 0);
const files = (): string[] =>
  sql(place.catalog, 'SELECT path, mount_point FROM files ORDER BY path')
    .split('\n')
    .map((line) => line.slice(place.tree.length + 1));

test('an outer scan that leaves an inner share out keeps its rows; its own rows leave', async () => {
  await scan(place.tree, 'Outer');
  await scan(join(place.tree, 'in'), 'Inner');
  await scan(place.tree, 'Outer', '--exclude', 'in', '--exclude', 'own');
  expect(files()).toEqual(['in/a|Inner', 'in/deep/b|Inner', 'top|Outer']);
  const digest = catalogDigest(place.catalog);
  await runJson(['replay', '--data-dir', place.dataDir], 0);
  expect(catalogDigest(place.catalog)).toBe(digest);
});
