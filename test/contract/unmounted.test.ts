import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { oneObject, run } from '../support/cli.js';
import { openForReading } from '../../projections/open-catalog.js';

// A share that is not mounted looks like an empty directory. Its rows stay in the catalog until a scan finds files
// there again, or finds the very file system empty that had them.

const isRoot = process.getuid?.() === 0;
let root: string;
let tree: string;
let dataDir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nas-scanner-unmounted-'));
  tree = join(root, 'tree');
  dataDir = join(root, 'data');
  mkdirSync(tree);
  expect(spawnSync('mount', ['-t', 'tmpfs', 'none', tree]).status).toBe(0);
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  for (const name of ['x', 'a/y', 'a/b/z']) writeFileSync(join(tree, name), name);
});
afterEach(() => {
  spawnSync('umount', ['-l', tree], { stdio: 'ignore' });
  rmSync(root, { recursive: true, force: true });
});

async function scanned(): Promise<number | null> {
  return (await run(['scan', tree, 'T', '--data-dir', dataDir, '--engine', 'process', '--json'])).code;
}

function files(path = join(dataDir, 'smart_catalog.db')): string[] {
  const database = openForReading(path);
  try {
    return database
      .prepare<[], string>('SELECT path FROM files ORDER BY path')
      .pluck()
      .all()
      .map((each) => each.slice(tree.length + 1));
  } finally {
    database.close();
  }
}

test.skipIf(!isRoot)('rows of a share that is not mounted stay, also in a replay', async () => {
  expect(await scanned()).toBe(0);
  expect(spawnSync('umount', [tree]).status).toBe(0);
  expect(await scanned()).toBe(3);
  expect(files()).toEqual(['a/b/z', 'a/y', 'x']);
  const replayed = join(root, 'replayed.db');
  expect((await run(['replay', '--data-dir', dataDir, '--to', replayed])).code).toBe(0);
  expect(files(replayed)).toEqual(['a/b/z', 'a/y', 'x']);
  const verified = oneObject((await run(['verify', '--data-dir', dataDir, '--catalog', '--json'])).stdout);
  expect(verified).toMatchObject({ sound: true });
  // Files are there again: now what is missing is gone.
  writeFileSync(join(tree, 'new'), 'new');
  expect(await scanned()).toBe(0);
  expect(files()).toEqual(['new']);
});

test.skipIf(!isRoot)('rows of a share that was emptied leave', async () => {
  expect(await scanned()).toBe(0);
  for (const name of ['x', 'a']) rmSync(join(tree, name), { recursive: true });
  expect(await scanned()).toBe(3);
  expect(files()).toEqual([]);
});
