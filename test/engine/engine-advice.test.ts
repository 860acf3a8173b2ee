import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/cli.js';
import { DockerPlace, HeldPlace } from '../support/docker-scan.js';
import { buildImage, buildSmallImage } from '../support/engine-image.js';
import { engineAvailable, TestEngine } from '../support/engine.js';
import { fillDisk } from '../support/troubled-place.js';
import { removedAfterwards } from '../support/with-image.js';

// Troubles of the engine itself, which no other test shares; their advice is followed to the letter.

const MIB = 1024 ** 2;
/** Fills a disk, and again with what it gives back once it has written what it held. @returns the files that do */
function fillWhole(folder: string): string[] {
  const fillers: string[] = [];
  for (let size = 1; size > 0;) {
    const path = fillDisk(folder, `ballast-${fillers.length}`);
    fillers.push(path);
    spawnSync('sync', ['-f', path]);
    ({ size } = statSync(path));
  }
  return fillers;
}

/** Room for the images, and little more. */
const DISK_BYTES = 700 * MIB;
const LEFT_BEHIND_BYTES = 40 * MIB;

describe.skipIf(!engineAvailable)('advice for an engine in trouble', { timeout: 120_000 }, () => {
  let daemon: TestEngine;

  beforeAll(async () => {
    daemon = await TestEngine.start({ liveRestore: true, diskBytes: DISK_BYTES });
    await buildImage(daemon);
  }, 180_000);
  afterAll(() => daemon.stop());

  /** An image, and what its last build left behind. */
  async function buildTwice(here: DockerPlace): Promise<void> {
    const ballast = join(here.root, 'ballast');
    for (let build = 0; build < 2; build++) {
      writeFileSync(ballast, randomFillSync(Buffer.alloc(LEFT_BEHIND_BYTES)));
      await buildSmallImage(daemon, 'built-twice:test', 'FROM scratch\nCOPY ballast /ballast\n', { ballast });
    }
  }

  test('docker.disk-full', async () => {
    const here = removedAfterwards(new DockerPlace(daemon));
    here.plant(1, 1);
    await buildTwice(here);
    const fillers = fillWhole(daemon.dataRoot);
    onTestFinished(() => {
      for (const filler of fillers) rmSync(filler);
    });
    expect((await here.start().ended).code).toBe(1);
    const report = await here.diagnosed();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['docker.disk-full'] });
    await here.follow(report, { succeeding: /^(?:nas-scanner|docker)/ });
    await here.expectSound();
  });

  test('docker.lost: it does not come back, and the scan ends; then it does', async () => {
    const here = removedAfterwards(new HeldPlace(daemon));
    await here.hold(2, 20);
    const scan = here.start('--engine-wait', '1', '--io-timeout', '600');
    const names = await here.workersHeld();
    await daemon.kill();
    const { code, stdout, stderr } = await scan.ended;
    expect(code, stderr).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'incomplete', chunks: { planned: 2, failed: 0 } });
    const report = await here.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['docker.lost'] });
    expect(report.findings[0]?.title).toContain('has not come back');
    here.letGo();
    const start = (): Promise<void> => daemon.launch({ liveRestore: true });
    await here.follow(report, { deeds: [[/^Start it/, start]] });
    await here.expectSound();
    expect(here.of('container.adopted').map((data) => data['name'])).toEqual(expect.arrayContaining(names));
    expect(await here.containers()).toEqual([]);
  });

  test('docker.lost while the scan runs: it goes on by itself', async () => {
    const here = removedAfterwards(new HeldPlace(daemon));
    await here.hold(1, 20);
    const scan = here.start('--io-timeout', '600');
    await here.workersHeld();
    await daemon.kill();
    await until('lost', () => here.of('docker.lost').length > 0);
    const report = await here.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'running', serious: ['docker.lost'] });
    const start = (): Promise<void> => daemon.launch({ liveRestore: true });
    await here.follow(report, { deeds: [[/^Start it/, start]], succeeding: /^nas-scanner/ });
    await until('regained', () => here.of('docker.regained').length > 0);
    expect((await here.diagnosed({ live: true })).serious).toEqual([]);
    here.letGo();
    expect((await scan.ended).code).toBe(0);
    await here.expectSound();
  });
});
