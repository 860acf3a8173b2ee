import { pathBytes, pathKey, toPathText } from '../../journal/path-text.js';
import type { ChunkRoot, PathText } from '../../journal/events/index.js';
import { uncoveredRoots } from './coverage.js';

type ListSubdirectories = (directory: Buffer) => Promise<Buffer[]>;

/**
 * What is left of a chunk that keeps failing, cut finer than the chunk was, so that what poisons it ends up alone.
 * @param listed directories that its attempts have listed completely
 * @returns nothing when the chunk cannot be cut any finer
 */
export async function remainingParts(
  roots: readonly ChunkRoot[],
  listed: readonly PathText[],
  list: ListSubdirectories,
): Promise<ChunkRoot[]> {
  const done: ChunkRoot[] = listed.map((path) => ({ path, scope: 'files' }));
  const doneKeys = new Set(listed.map(pathKey));
  const parts: ChunkRoot[] = [];
  for (const root of roots) {
    if (root.scope === 'subtree') parts.push(...(await uncoveredRoots(pathBytes(root.path), done, list)));
    else if (!doneKeys.has(pathKey(root.path))) parts.push(root);
  }
  const [only] = parts;
  if (parts.length !== 1 || only === undefined) return parts;
  if (only.scope === 'files') return [];
  // One whole subtree is no finer than before: its own files apart from what lies below.
  return splitOnce(only, list);
}

async function splitOnce(root: ChunkRoot, list: ListSubdirectories): Promise<ChunkRoot[]> {
  const below = await list(pathBytes(root.path));
  return [
    { path: root.path, scope: 'files' },
    ...below.map((path) => ({ path: toPathText(path), scope: 'subtree' as const })),
  ];
}
