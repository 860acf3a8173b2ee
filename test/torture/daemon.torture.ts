import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { oneObject, until } from '../support/cli.js';
import { DockerPlace } from '../support/docker-scan.js';
import { buildImage, engineAvailable, TestEngine } from '../support/engine.js';
import { listByCatalog, listByFind } from '../support/outside.js';

/** So little CPU that workers are at it while the daemon is away. */
const SLOWLY = ['--cpus', '0.15'];
const TEST_TIMEOUT_MS = 240_000;

/** What a scan makes of a daemon that goes away; each test has a daemon of its own. */
describe.skipIf(!engineAvailable)('a daemon in trouble', () => {
  let daemon: TestEngine;
  let here: DockerPlace;

  async function begin(options: { liveRestore?: boolean } = {}): Promise<void> {
    daemon = await TestEngine.start(options);
    await buildImage(daemon);
    here = new DockerPlace(daemon);
    here.plant(4, 500);
  }

  afterEach(async () => {
    await daemon.stop();
    here.remove();
  });

  async function expectComplete(
    ended: Promise<{ code: number | null; stdout: string; stderr: string }>,
  ): Promise<void> {
    const { code, stdout, stderr } = await ended;
    expect(code, stderr.slice(-3000)).toBe(0);
    expect(oneObject(stdout)).toMatchObject({ outcome: 'complete' });
    expect(listByCatalog(here.catalog)).toEqual(listByFind(here.tree));
    expect(await here.containers()).toEqual([]);
    expect(here.of('docker.lost').length).toBeGreaterThan(0);
    expect(here.of('docker.regained').length).toBeGreaterThan(0);
  }

  test(
    'killed and back with live-restore: workers never stop, and are taken up again',
    async () => {
      await begin({ liveRestore: true });
      const scan = here.start(...SLOWLY);
      await here.workersRunning(2);
      await daemon.kill();
      await until('lost', () => here.of('docker.lost').length > 0);
      await sleep(3000);
      await daemon.launch();
      await expectComplete(scan.ended);
      // No worker had to be started twice.
      expect(here.of('container.started').filter((data) => Number(data['attempt']) > 1)).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'killed and back without live-restore: what it ended is tried again',
    async () => {
      await begin();
      const scan = here.start(...SLOWLY);
      await here.workersRunning(2);
      await daemon.kill();
      await until('lost', () => here.of('docker.lost').length > 0);
      await daemon.launch();
      await expectComplete(scan.ended);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'frozen, its connections open: it is missed, and the scan goes on when it thaws',
    async () => {
      await begin();
      const scan = here.start(...SLOWLY);
      await here.workersRunning(2);
      process.kill(daemon.pid, 'SIGSTOP');
      await until('lost', () => here.of('docker.lost').length > 0, 30_000);
      await sleep(3000);
      process.kill(daemon.pid, 'SIGCONT');
      await expectComplete(scan.ended);
    },
    TEST_TIMEOUT_MS,
  );
});
