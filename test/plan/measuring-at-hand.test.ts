import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { createMeasuring } from '../../src/plan/measuring.js';
import type { MeasuringAtHand } from '../../src/plan/measuring-at-hand.js';
import { namesInTime } from '../../src/plan/top-level.js';
import { until } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';

/** Longer than it is kept for the next user. */
const IDLE_MS = 1500;
/** The built one: its helper is a program. */
const builtMeasuring = new URL('../../dist/src/plan/measuring.js', import.meta.url).href;
const built = new URL('../../dist/src/plan/measuring-at-hand.js', import.meta.url).href;

/** Process ids of what measures for this process. */
function helpersOfOurs(): number[] {
  return readdirSync('/proc/self/task')
    .flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    )
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('measure-helper'))
    .map(Number);
}

let folder: string;
let mount: LatencyMount;
let atHand: MeasuringAtHand;

describe.skipIf(!canMountFuse)('what measures where anything may hang', () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nas-scanner-measuring-'));
    for (const name of ['one/two', 'stuck/three'])
      mkdirSync(join(folder, 'source', name), { recursive: true });
    mount = await LatencyMount.open(join(folder, 'source'), join(folder, 'mount'), { LATENCY_HANG: 'stuck' });
    const { MeasuringAtHand: Built } = (await import(built)) as { MeasuringAtHand: typeof MeasuringAtHand };
    atHand = new Built(mount.point);
  });
  afterEach(() => {
    atHand.close();
    mount.close();
    rmSync(folder, { recursive: true });
  });

  const options = (exclude: string[] = []): Parameters<MeasuringAtHand['use']>[0] => ({
    mountPath: mount.point,
    exclude,
    excludeDirectories: [],
    oneFileSystem: false,
  });
  const below = async (measuring: ReturnType<MeasuringAtHand['use']>, name: string): Promise<unknown> =>
    (await namesInTime(measuring, join(mount.point, name), 1000))?.subdirectories;

  /** Who comes next has another one, which serves. */
  async function expectAnother(before: ReturnType<MeasuringAtHand['use']>): Promise<void> {
    const next = atHand.use(options());
    expect(next).not.toBe(before);
    expect(await below(next, 'one')).toEqual(['two']);
    atHand.done();
  }

  test('serves one after the other, each as it asks', async () => {
    atHand.prepare();
    const first = atHand.use(options());
    expect(await below(first, 'one')).toEqual(['two']);
    atHand.done();
    const second = atHand.use(options(['two']));
    expect(second).toBe(first);
    expect(await below(second, 'one')).toEqual([]);
    atHand.done();
  });

  test('is let go when nobody wants it for a while, and not before', async () => {
    const first = atHand.use(options());
    await sleep(IDLE_MS);
    expect(await below(first, 'one')).toEqual(['two']);
    atHand.done();
    await sleep(IDLE_MS);
    await expectAnother(first);
  });

  test('is left behind once it hangs, when its last user has gone', async () => {
    const first = atHand.use(options());
    expect(atHand.use(options())).toBe(first);
    expect(await below(first, 'one')).toEqual(['two']); // known to the kernel: what hangs in their parent holds up all others
    expect(await below(first, 'stuck')).toBeUndefined();
    atHand.done();
    expect(await below(first, 'one')).toEqual(['two']); // the other user still has it
    atHand.done();
    await expectAnother(first);
  });

  test('is another one when it has ended by itself', async () => {
    const first = atHand.use(options());
    expect(await below(first, 'one')).toEqual(['two']);
    const helpers = helpersOfOurs();
    expect(helpers).toHaveLength(1);
    for (const pid of helpers) process.kill(pid, 'SIGKILL');
    await expect(below(first, 'one')).rejects.toThrow(); // whoever has it is told
    atHand.done();
    await expectAnother(first);
  });

  test('is given up when it does not start in time', async () => {
    const { createMeasuring: create } = (await import(builtMeasuring)) as {
      createMeasuring: typeof createMeasuring;
    };
    const measuring = create(mount.point, 200);
    try {
      for (const pid of helpersOfOurs()) process.kill(pid, 'SIGSTOP');
      await measuring.ready;
      expect(measuring.ended).toBe(true);
      await expect(below(measuring, 'one')).rejects.toThrow('measuring-failed');
      await until('its end', () => helpersOfOurs().length === 0);
    } finally {
      measuring.close();
    }
  });
});
