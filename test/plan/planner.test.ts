import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { pathKey } from '../../journal/path-text.js';
import type { ChunkRoot } from '../../journal/events/index.js';
import { planScan, type PlanOptions, type PlanStep } from '../../src/plan/planner.js';
import { scratchFolder } from '../support/scratch.js';

type ChunkStep = Extract<PlanStep, { type: 'chunk' }>;

let mountPath: string;
beforeEach(() => {
  mountPath = scratchFolder('plan');
});

const GIB = 1024 ** 3;

function optionsWith(changes: Partial<PlanOptions> = {}): PlanOptions {
  return {
    mountPath,
    chunkBytes: 100 * GIB,
    analysisTimeoutMs: 60_000,
    ioTimeoutMs: 60_000,
    fastStart: false,
    exclude: [],
    excludeDirectories: [],
    oneFileSystem: false,
    slots: 8,
    idleSlots: () => 8,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** A plan, with the number of chunks out deciding how many slots are idle. */
async function planOf(
  changes: Partial<PlanOptions> = {},
  onStep: (step: PlanStep) => void = () => undefined,
): Promise<{ steps: PlanStep[]; chunks: ChunkStep[] }> {
  const steps: PlanStep[] = [];
  let out = 0;
  const options = optionsWith({ idleSlots: () => 8 - out, ...changes });
  for await (const step of planScan(options)) {
    steps.push(step);
    if (step.type === 'chunk') out += 1;
    onStep(step);
  }
  return { steps, chunks: steps.filter((step) => step.type === 'chunk') };
}

function file(path: string, bytes = 0): void {
  mkdirSync(join(mountPath, path, '..'), { recursive: true });
  writeFileSync(join(mountPath, path), '');
  truncateSync(join(mountPath, path), bytes);
}

function rootsOf(chunks: readonly ChunkStep[]): ChunkRoot[] {
  return chunks.flatMap((chunk) => chunk.roots);
}

/** Roots that hold the files lying directly in a directory (relative to the mount, '' for itself). */
function holders(chunks: readonly ChunkStep[], directory: string): number {
  const path = directory === '' ? mountPath : join(mountPath, directory);
  return rootsOf(chunks).filter(({ path: root, scope }) =>
    scope === 'files' ? root === path : path === root || path.startsWith(`${pathKey(root)}/`),
  ).length;
}

describe('a plan', () => {
  test('of a small tree is one chunk with everything in it, dot-directories and loose files too', async () => {
    for (const path of ['loose', 'a/x', 'a/b/y', '.dot/z', 'empty dir/sub/w']) file(path);
    // Where small chunks are wanted, sizes are waited for, also on a machine that has much to do.
    const { steps, chunks } = await planOf({ chunkBytes: GIB / 2 });
    expect(chunks).toHaveLength(1);
    expect(chunks[0]).toMatchObject({ reason: 'sized' });
    for (const directory of ['', 'a', 'a/b', '.dot', 'empty dir']) expect(holders(chunks, directory)).toBe(1);
    const outcomes = steps
      .filter((step) => step.type === 'analysis.finished')
      .map(({ data }) => data.outcome);
    expect(outcomes).toEqual(['sized', 'sized', 'sized']);
  });

  test('splits what is above the chunk size into exact parts, the largest first', async () => {
    for (const name of ['a', 'b', 'c']) for (const sub of ['1', '2']) file(`${name}/${sub}/f`, 3 * 1024 ** 2);
    file('a/loose', 2 * 1024 ** 2);
    file('tiny/f', 10);
    const { chunks } = await planOf({ chunkBytes: 4 * 1024 ** 2 });
    expect(chunks.length).toBeGreaterThanOrEqual(6);
    for (const directory of ['', 'a', 'a/1', 'a/2', 'b', 'b/1', 'c', 'c/2', 'tiny']) {
      expect(holders(chunks, directory), directory).toBe(1);
    }
    for (const chunk of chunks) expect(chunk.estimatedBytes).toBeLessThanOrEqual(4 * 1024 ** 2);
    const sizes = chunks.map((chunk) => chunk.estimatedBytes);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  });

  test('with fast start measures nothing', async () => {
    for (let index = 0; index < 20; index += 1) file(`d${index}/f`, 1000);
    const { steps, chunks } = await planOf({ fastStart: true });
    expect(steps).toHaveLength(chunks.length);
    expect(chunks.length).toBeLessThanOrEqual(8);
    expect(chunks.every((chunk) => chunk.reason === 'fast-start')).toBe(true);
    for (let index = 0; index < 20; index += 1) expect(holders(chunks, `d${index}`)).toBe(1);
    expect(holders(chunks, '')).toBe(1);
  });

  test('hands out what is not sized yet while workers stand idle', async () => {
    for (let index = 0; index < 6; index += 1) file(`d${index}/s/f`);
    for (let index = 0; index < 20_000; index += 1)
      writeFileSync(join(mountPath, `d${index % 6}/s/${index}`), '');
    const { steps, chunks } = await planOf();
    expect(chunks.length).toBeLessThan(10);
    expect(chunks.map((chunk) => chunk.reason)).toContain('leaf');
    for (let index = 0; index < 6; index += 1) expect(holders(chunks, `d${index}/s`)).toBe(1);
    expect(steps[0]?.type).toBe('chunk');
  });

  test('leaves out what is excluded', async () => {
    for (const path of ['keep/f', '@eaDir/f', 'data/f']) file(path);
    const { chunks } = await planOf({ exclude: ['@eaDir'], excludeDirectories: [join(mountPath, 'data')] });
    expect(rootsOf(chunks).map((root) => root.path)).toEqual([mountPath, join(mountPath, 'keep')]);
  });

  test('of a mount that cannot be listed is one fallback chunk', async () => {
    const { steps } = await planOf({ mountPath: join(mountPath, 'missing') });
    expect(steps.map((step) => (step.type === 'chunk' ? step.reason : step.type))).toEqual([
      'analysis.started',
      'analysis.finished',
      'fallback',
    ]);
  });

  test('of directories that come and go meanwhile holds each that it saw exactly once', async () => {
    for (let index = 0; index < 30; index += 1) file(`d${index}/sub/f`, 1000);
    const planned = planOf({ chunkBytes: 1500 }, () => {
      rmSync(join(mountPath, 'd3'), { recursive: true, force: true });
      file(`late${Math.random()}/f`);
    });
    rmSync(join(mountPath, 'd7'), { recursive: true, force: true });
    const { chunks } = await planned;
    const paths = rootsOf(chunks).map(({ path, scope }) => `${scope} ${pathKey(path)}`);
    expect(new Set(paths).size).toBe(paths.length);
    for (let index = 0; index < 30; index += 1) {
      if (index !== 7 && index !== 3) expect(holders(chunks, `d${index}`)).toBe(1);
      expect(holders(chunks, `d${index}`)).toBeLessThanOrEqual(1);
    }
  });

  test('takes what earlier scans know for its sizes', async () => {
    for (let index = 0; index < 4; index += 1) file(`d${index}/f`);
    const history = { of: () => ({ files: 9000, bytes: 3 * GIB, seconds: 1 }) };
    const { chunks } = await planOf({ history, chunkBytes: 7 * GIB });
    expect(chunks.map((chunk) => chunk.estimatedFiles).reduce((sum, files) => sum + files)).toBe(36_000);
    for (const chunk of chunks) expect(chunk.estimatedBytes).toBeLessThanOrEqual(7 * GIB);
  });

  test('stops when it is told to', async () => {
    for (let index = 0; index < 50; index += 1) file(`d${index}/f`, 1000);
    const stop = new AbortController();
    stop.abort();
    const { chunks } = await planOf({ signal: stop.signal });
    expect(chunks).toEqual([]);
  });
});
