import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from './cli.js';
import { expectComplete, HeldPlace } from './docker-scan.js';
import { buildImage } from './engine-image.js';
import { engineAvailable, TestEngine } from './engine.js';

const WORKERS = 3;
/** Beside what the daemon is away: starts of daemon and containers, on a busy machine. */
const TEST_TIMEOUT_MS = 120_000;
/** What is held is held for longer than the daemon is away, and must not be given up meanwhile. */
const HELD_MAX_S = 600;

/** What a scan makes of a daemon that goes away for so long in the middle of it. */
export function describeDaemonTrouble({ killedMs, frozenMs }: { killedMs: number; frozenMs: number }): void {
  const timeout = Math.max(killedMs, frozenMs) + TEST_TIMEOUT_MS;
  describe.skipIf(!engineAvailable)('a daemon in trouble', { timeout }, () => {
    let daemon: TestEngine;

    beforeAll(async () => {
      daemon = await TestEngine.start({ liveRestore: true });
      await buildImage(daemon);
    }, 180_000);
    afterAll(() => daemon.stop());

    async function place(): Promise<HeldPlace> {
      const made = new HeldPlace(daemon);
      onTestFinished(() => {
        made.remove();
      });
      await made.hold(WORKERS, 100);
      return made;
    }

    function expectLostOnce(here: HeldPlace): void {
      expect(here.of('docker.lost')).toHaveLength(1);
      expect(here.of('docker.regained')).toHaveLength(1);
    }

    function attemptsStarted(here: HeldPlace): number[] {
      return here
        .of('container.started')
        .filter((data) => data['chunk'] !== 0)
        .map((data) => Number(data['attempt']));
    }

    test('killed and back with live-restore: workers never stop, and are taken up again', async () => {
      const here = await place();
      const scan = here.start('--io-timeout', String(HELD_MAX_S));
      await here.workersHeld();
      await daemon.kill();
      await until('lost', () => here.of('docker.lost').length > 0);
      here.letGo(); // some end while nobody hears of it
      await sleep(killedMs);
      await daemon.launch({ liveRestore: true });
      await expectComplete(scan, here);
      expectLostOnce(here);
      expect(attemptsStarted(here)).toEqual([1, 1, 1]);
      expect(here.of('container.exited').map((data) => data['exitCode'])).toEqual([0, 0, 0, 0]);
    });

    test('frozen, its connections open: it is missed, and the scan goes on when it thaws', async () => {
      const here = await place();
      const scan = here.start('--io-timeout', String(HELD_MAX_S));
      await here.workersHeld();
      process.kill(daemon.pid, 'SIGSTOP');
      here.letGo();
      await until('lost', () => here.of('docker.lost').length > 0);
      await sleep(frozenMs);
      process.kill(daemon.pid, 'SIGCONT');
      await expectComplete(scan, here);
      expectLostOnce(here);
      expect(attemptsStarted(here)).toEqual([1, 1, 1]);
    });

    test('killed and back without live-restore: what it ended is tried again, from where it was', async () => {
      const here = await place();
      const scan = here.start('--io-timeout', String(HELD_MAX_S));
      await here.workersHeld();
      await daemon.kill();
      await until('lost', () => here.of('docker.lost').length > 0);
      await sleep(killedMs);
      const launched = daemon.launch();
      // The new daemon stops what the old one left, and answers nobody before all of that has ended.
      await until('the end of the workers', () => here.writersSealed() === WORKERS);
      here.letGo();
      await launched;
      await expectComplete(scan, here);
      expectLostOnce(here);
      expect(attemptsStarted(here)).toEqual([1, 1, 1, 2, 2, 2]);
      // The probe was over before.
      const exits = here.of('container.exited').map((data) => data['exitCode']);
      expect(exits).toEqual([0, 143, 143, 143, 0, 0, 0]);
    });
  });
}
