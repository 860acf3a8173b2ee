import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Place, runJson } from '../support/cli.js';
import { plantHorrors } from '../support/horrors.js';
import {
  catalogDigest,
  checkJournal,
  countDirectories,
  listByCatalog,
  listByFind,
  sql,
} from '../support/outside.js';
import { difference } from '../support/worker-run.js';

const place = new Place();
let report: Record<string, unknown>;

beforeAll(async () => {
  plantHorrors(place.tree);
  report = await runJson(place.scanArgs('--checksum', 'none'), 0);
});
afterAll(() => {
  // Paths are longer than Node can remove.
  spawnSync('rm', ['-rf', place.root]);
});

test('the catalog of the tree of horrors is what find lists, byte for byte', () => {
  expect(report).toMatchObject({
    outcome: 'complete',
    problems: 0,
    directories: countDirectories(place.tree),
  });
  expect(difference(listByCatalog(place.catalog), listByFind(place.tree))).toEqual([]);
});

test('times are the same to what a double of seconds holds', () => {
  const out = spawnSync('find', [`${place.tree}/times`, '-type', 'f', '-printf', '%f|%T@\n'], {
    encoding: 'utf8',
  });
  const expected = new Map(
    out.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('|') as [string, string]),
  );
  const rows = sql(
    place.catalog,
    "SELECT path, printf('%!.26g', mtime) FROM files WHERE path LIKE '%/times/%'",
  ).split('\n');
  expect(rows).toHaveLength(expected.size);
  for (const row of rows) {
    const [path = '', mtime] = row.split('|');
    // The sign belongs to the whole seconds alone: find writes what the kernel has, and a fraction counts upwards.
    const [whole = '', fraction = ''] = (expected.get(path.split('/').at(-1) ?? '') ?? '').split('.');
    expect(Number(mtime), path).toBeCloseTo(Number(whole) + Number(`0.${fraction}`), 6);
  }
});

test('its journal has no fault, and a replay gives the same catalog', async () => {
  expect(checkJournal(place.journal).faults).toEqual([]);
  const before = catalogDigest(place.catalog);
  await runJson(place.args('replay'), 0);
  expect(catalogDigest(place.catalog)).toBe(before);
});
