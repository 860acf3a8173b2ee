import { expect, test } from 'vitest';
import { Frontier } from '../../src/walk/frontier.js';

const nothing = (): boolean => false;

test('roots come in their order, what is found comes first', () => {
  const frontier = new Frontier(
    [
      { path: '/m', scope: 'files' },
      { path: '/m/a', scope: 'subtree' },
    ],
    nothing,
  );
  expect(frontier.take(1)).toMatchObject([{ path: '/m', descend: false, record: true, isRoot: true }]);
  frontier.add({ parent: '/m/x', names: 'one/two/three' });
  expect(frontier.take(2).map((job) => job.path)).toEqual(['/m/x/one', '/m/x/two']);
  expect(frontier.isEmpty).toBe(false);
  expect(frontier.take(9)).toMatchObject([
    { path: '/m/x/three', isRoot: false },
    { path: '/m/a', descend: true, isRoot: true },
  ]);
  expect(frontier.isEmpty).toBe(true);
});

test('what was listed before is read for its subdirectories only, or not at all', () => {
  const frontier = new Frontier(
    [
      { path: '/m', scope: 'files' },
      { path: '/m/a', scope: 'subtree' },
    ],
    (path) => path === '/m' || path === '/m/a',
  );
  expect(frontier.take(9)).toMatchObject([{ path: '/m/a', record: false, descend: true }]);
});

test('what was listed before is not given away: another chunk would list it again', () => {
  const listed = new Set(['/m', '/m/a', '/m/b/one']);
  const frontier = new Frontier(
    [
      { path: '/m', scope: 'files' },
      { path: '/m/a', scope: 'subtree' },
      { path: '/m/c', scope: 'files' },
    ],
    (path) => listed.has(path),
  );
  frontier.add({ parent: '/m/b', names: 'one/two' });
  expect(frontier.takeListed(9)).toMatchObject([
    { path: '/m/b/one', record: false },
    { path: '/m/a', record: false },
  ]);
  expect(frontier.drain()).toEqual([
    { path: '/m/b/two', scope: 'subtree' },
    { path: '/m/c', scope: 'files' },
  ]);
});

test('what is left can be given away', () => {
  const frontier = new Frontier([{ path: '/m/a', scope: 'files' }], nothing);
  frontier.add({ parent: '/m/b', names: 'one/caf\udce9' });
  expect(frontier.fitsInto(1000)).toBe(true);
  expect(frontier.fitsInto(50)).toBe(false);
  expect(frontier.drain()).toEqual([
    { path: '/m/a', scope: 'files' },
    { path: '/m/b/one', scope: 'subtree' },
    { path: { b64: Buffer.from('/m/b/caf\xe9', 'latin1').toString('base64') }, scope: 'subtree' },
  ]);
  expect(frontier.isEmpty).toBe(true);
});
