import { expect, test } from 'vitest';
import type { ChunkRoot } from '../../journal/events/index.js';
import { remainingParts } from '../../src/scan/isolate.js';

const tree: Record<string, string[]> = {
  '/m': ['/m/a', '/m/b'],
  '/m/a': ['/m/a/x'],
  '/m/a/x': [],
  '/m/b': [],
};
const list = (directory: Buffer): Promise<Buffer[]> =>
  Promise.resolve((tree[directory.toString()] ?? []).map((path) => Buffer.from(path)));
const subtree = (path: string): ChunkRoot => ({ path, scope: 'subtree' });
const files = (path: string): ChunkRoot => ({ path, scope: 'files' });

test.each([
  [
    'nothing was listed: its files apart from its subdirectories',
    [subtree('/m')],
    [],
    [files('/m'), subtree('/m/a'), subtree('/m/b')],
  ],
  ['only what was not listed is left', [subtree('/m')], ['/m', '/m/b'], [files('/m/a'), subtree('/m/a/x')]],
  ['several roots part', [subtree('/m/a'), subtree('/m/b')], [], [subtree('/m/a'), subtree('/m/b')]],
  ['one directory cannot be cut finer', [files('/m/a')], [], []],
  ['everything was listed', [subtree('/m/a')], ['/m/a', '/m/a/x'], []],
])('%s', async (_, roots, listed, expected) => {
  expect(await remainingParts(roots, listed, list)).toEqual(expected);
});
