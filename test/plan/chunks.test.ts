import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, pack, spread, subtree, type SizedDirectory } from '../../src/plan/chunks.js';
import { pathKey } from '../../journal/path-text.js';
import type { ChunkRoot } from '../../journal/events/index.js';

/** A random sized tree; sums are right by construction. */
const tree = (path: string, depth: number): fc.Arbitrary<SizedDirectory> =>
  fc
    .record({ files: fc.nat(50), bytes: fc.nat(2000), width: fc.nat(depth === 0 ? 0 : 4) })
    .chain(({ files, bytes, width }) =>
      fc
        .tuple(...Array.from({ length: width }, (_, index) => tree(`${path}/d${index}`, depth - 1)))
        .map((children) => ({
          path,
          files: children.reduce((sum, child) => sum + child.files, files),
          bytes: children.reduce((sum, child) => sum + child.bytes, bytes),
          looseFiles: files,
          looseBytes: bytes,
          children,
        })),
    );

function directoriesOf(directory: SizedDirectory): string[] {
  return [directory.path, ...directory.children.flatMap(directoriesOf)];
}

/** Which roots hold the files lying directly in a directory. */
function holders(roots: readonly ChunkRoot[], directory: string): ChunkRoot[] {
  return roots.filter(({ path, scope }) =>
    scope === 'files' ? path === directory : directory === path || directory.startsWith(`${pathKey(path)}/`),
  );
}

test('chunks of a sized tree hold every directory exactly once, and none is above its size unless it must be', () => {
  fc.assert(
    fc.property(
      tree('/m', 4),
      fc.integer({ min: 1, max: 6000 }),
      fc.integer({ min: 1, max: 9 }),
      (top, chunkBytes, chunksWanted) => {
        const pieces = cut(top, chunkBytes);
        const chunks = pack(pieces, { chunkBytes, chunksWanted, filesMin: 10 }, 'sized');
        const roots = chunks.flatMap((chunk) => chunk.roots);
        for (const directory of directoriesOf(top)) expect(holders(roots, directory)).toHaveLength(1);
        for (const chunk of chunks) {
          if (chunk.roots.length > 1) expect(chunk.estimatedBytes).toBeLessThanOrEqual(chunkBytes);
        }
        expect(chunks.reduce((sum, chunk) => sum + chunk.estimatedFiles, 0)).toBe(top.files);
        const sizes = chunks.map((chunk) => chunk.estimatedBytes);
        expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      },
    ),
  );
});

test('tiny directories share a chunk, big ones do not', () => {
  const pieces = Array.from({ length: 100 }, (_, index) => subtree(`/m/d${index}`, 10, 100));
  const limits = { chunkBytes: 100_000, chunksWanted: 8, filesMin: 5000 };
  expect(pack(pieces, limits, 'sized')).toHaveLength(1);
  const heavy = pieces.map((piece) => ({ ...piece, bytes: 90_000 }));
  expect(pack(heavy, limits, 'sized')).toHaveLength(100);
});

test('directories of unknown size are spread evenly', () => {
  const pieces = Array.from({ length: 10 }, (_, index) => subtree(`/m/d${index}`));
  expect(spread(pieces, 4, 'leaf').map((chunk) => chunk.roots.length)).toEqual([3, 3, 3, 1]);
  expect(spread(pieces, 40, 'leaf')).toHaveLength(10);
});

test('where paths are long, fewer of them share a chunk: its record stays small', () => {
  const folder = 'x'.repeat(3500);
  const pieces = Array.from({ length: 400 }, (_, index) => subtree(`/${folder}/\u0001${index}`, 1, 1));
  const limits = { chunkBytes: 100_000, chunksWanted: 8, filesMin: 5000 };
  for (const chunks of [pack(pieces, limits, 'sized'), spread(pieces, 2, 'leaf')]) {
    expect(chunks.flatMap((chunk) => chunk.roots)).toEqual(pieces.map((piece) => piece.root));
    for (const chunk of chunks) expect(Buffer.byteLength(JSON.stringify(chunk))).toBeLessThan(60 * 1024);
    expect(chunks.length).toBeLessThan(40);
  }
});
