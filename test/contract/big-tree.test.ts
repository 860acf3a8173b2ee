import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place, runJson } from '../support/cli.js';
import { catalogDigest, checkJournal, listByCatalog, listByFind } from '../support/outside.js';

const FILES_MIN = 100_000;
const NODE_MODULES = join(import.meta.dirname, '../../node_modules');
const place = new Place();
let tree = '/usr';
let truth: string[];

/** A real tree of at least 100,000 files: the system's own, or as many copies of our packages as that takes. */
beforeAll(() => {
  truth = listByFind(tree);
  if (truth.length >= FILES_MIN) return;
  tree = place.tree;
  mkdirSync(tree);
  for (let copy = 1; truth.length < FILES_MIN; copy++) {
    cpSync(NODE_MODULES, join(tree, `copy-${copy}`), { recursive: true, dereference: true });
    truth = listByFind(tree);
  }
}, 180_000);
afterAll(() => {
  place.remove();
});

describe('a real tree of 100,000 files and more', () => {
  test('the catalog equals find, byte for byte; replay gives the same rows; every segment is sealed', async () => {
    const args = [
      'scan',
      tree,
      'Real',
      '--data-dir',
      place.dataDir,
      '--engine',
      'process',
      '--checksum',
      'none',
    ];
    const report = await runJson(args, 0);
    expect(report).toMatchObject({ outcome: 'complete', files: truth.length, problems: 0 });
    expect(listByCatalog(place.catalog)).toEqual(truth);

    const check = checkJournal(place.journal);
    expect(check.faults).toEqual([]);
    expect([check.sealed, check.files]).toEqual([check.segments, truth.length]);

    const verify = await runJson(['verify', '--data-dir', place.dataDir], 0);
    expect(verify).toMatchObject({ sound: true, records: check.records });
    const states = new Set((verify['segments'] as { state: string }[]).map((segment) => segment.state));
    expect([...states]).toEqual(['sealed']);

    const before = catalogDigest(place.catalog);
    for (const name of readdirSync(place.dataDir).filter((name) => name.startsWith('smart_catalog.db')))
      rmSync(join(place.dataDir, name));
    const replay = await runJson(['replay', '--data-dir', place.dataDir], 0);
    expect(replay).toMatchObject({ files: truth.length });
    expect(catalogDigest(place.catalog)).toBe(before);
  });
});
