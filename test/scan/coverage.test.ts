import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChunkRoot } from '../../journal/events/index.js';
import { pathBytes } from '../../journal/path-text.js';
import { uncoveredRoots } from '../../src/scan/coverage.js';

/** A directory tree as nested records; a leaf is an empty record. */
interface Tree {
  [name: string]: Tree;
}

const names = fc.constantFrom('a', 'b', 'é', '.d');
const treeOfDepth: fc.Memo<Tree> = fc.memo((depth) =>
  depth <= 1
    ? fc.constant({})
    : fc.dictionary(names, treeOfDepth(depth - 1), { maxKeys: 3, noNullPrototype: true }),
);
const tree = treeOfDepth(4);

function directoriesOf(node: Tree, path: string): string[] {
  return [path, ...Object.entries(node).flatMap(([name, child]) => directoriesOf(child, `${path}/${name}`))];
}

function lister(root: Tree): (directory: Buffer) => Promise<Buffer[]> {
  return (directory) => {
    const node = directory
      .toString()
      .split('/')
      .slice(2)
      .reduce((at, name) => at[name] ?? {}, root);
    return Promise.resolve(Object.keys(node).map((name) => Buffer.from(`${directory.toString()}/${name}`)));
  };
}

/** Which roots list the files of a directory. */
function owners(directory: string, roots: ChunkRoot[]): number {
  return roots.filter((root) => {
    const path = pathBytes(root.path).toString();
    return path === directory || (root.scope === 'subtree' && directory.startsWith(`${path}/`));
  }).length;
}

test('whatever part of a partition is planned, the rest completes it exactly', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.infiniteStream(fc.nat(3)), async (node, dice) => {
      const all = directoriesOf(node, '/m');
      const list = lister(node);
      // Any exact partition: walk down, and at each directory stop with a subtree or split it further.
      const partition: ChunkRoot[] = [];
      const split = async (directory: Buffer): Promise<void> => {
        const path = directory.toString();
        if (path !== '/m' && dice.next().value === 0) {
          partition.push({ path, scope: 'subtree' });
          return;
        }
        partition.push({ path, scope: 'files' });
        for (const child of await list(directory)) await split(child);
      };
      await split(Buffer.from('/m'));
      const planned = partition.filter(() => dice.next().value !== 0);
      const rest = await uncoveredRoots(Buffer.from('/m'), planned, list);
      for (const directory of all) expect(owners(directory, [...planned, ...rest])).toBe(1);
    }),
    { numRuns: 300 },
  );
});

test('a complete plan leaves nothing uncovered', async () => {
  const roots: ChunkRoot[] = [
    { path: '/m', scope: 'files' },
    { path: '/m/a', scope: 'subtree' },
  ];
  expect(await uncoveredRoots(Buffer.from('/m'), roots, lister({ a: { b: {} } }))).toEqual([]);
});

test('a directory that appeared after planning is found', async () => {
  const roots: ChunkRoot[] = [
    { path: '/m', scope: 'files' },
    { path: '/m/a', scope: 'subtree' },
  ];
  expect(await uncoveredRoots(Buffer.from('/m'), roots, lister({ a: {}, new: {} }))).toEqual([
    { path: '/m/new', scope: 'subtree' },
  ]);
});

test('names that are not UTF-8 keep their bytes', async () => {
  const odd = Buffer.concat([Buffer.from('/m/'), Buffer.from([0xe9])]);
  const list = (directory: Buffer): Promise<Buffer[]> =>
    Promise.resolve(directory.toString() === '/m' ? [odd] : []);
  const [root] = await uncoveredRoots(Buffer.from('/m'), [{ path: '/m', scope: 'files' }], list);
  expect(root && pathBytes(root.path)).toEqual(odd);
});
