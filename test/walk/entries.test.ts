import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readEntries, STREAM_ENTRIES, type EntryKind } from '../../src/walk/entries.js';
import { scratchFolder } from '../support/scratch.js';

const folder = scratchFolder('entries');
const FILES = 2 * STREAM_ENTRIES + 1;

beforeAll(() => {
  for (let index = 0; index < FILES; index += 1) writeFileSync(join(folder, `file ${index}`), '');
  for (const name of ['0', '1', 'a\u0001b', '10', 'name 2']) mkdirSync(join(folder, name));
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('caf\xe9', 'latin1')]), '');
  symlinkSync('nowhere', join(folder, 'link'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
});

function read(big: boolean): { entries: [string, EntryKind][]; reads: number } {
  const entries: [string, EntryKind][] = [];
  let reads = 0;
  readEntries(
    folder,
    big,
    (name, kind) => entries.push([name, kind]),
    () => (reads += 1),
  );
  return { entries, reads };
}

test('a big directory is read piece by piece, sorted, and holds the same entries', () => {
  const { entries, reads } = read(true);
  expect(entries).toHaveLength(FILES + 8);
  expect(entries.map(([name]) => name)).toEqual(entries.map(([name]) => name).sort());
  expect(reads).toBe(2);
  const kinds = new Map(entries);
  // One name is not UTF-8, so that the other way tells no kinds: names are what both know.
  expect(
    read(false)
      .entries.map(([name]) => name)
      .sort(),
  ).toEqual([...kinds.keys()]);
  expect([kinds.get('a\u0001b'), kinds.get('10'), kinds.get('link'), kinds.get('pipe')]).toEqual([
    'directory',
    'directory',
    'other',
    'other',
  ]);
  expect([kinds.get('caf\udce9'), kinds.get('file 7')]).toEqual(['file', 'file']);
});
