import { expect, test } from 'vitest';
import { oneObject } from '../support/cli.js';
import { expectComplete, HeldPlace } from '../support/docker-scan.js';
import { describeWithImage, removedAfterwards } from '../support/with-image.js';

/** Not in the ordinary run: twice the grace of workers has to pass until one counts as stuck. */
describeWithImage('a scan in containers of a mount that hangs', 240_000, (daemon) => {
  async function place(): Promise<HeldPlace> {
    const made = removedAfterwards(new HeldPlace(daemon()));
    await made.hold(2, 100);
    return made;
  }

  /** The mount is back: nothing is left behind any more, and the scan goes on. */
  async function expectSwept(here: HeldPlace): Promise<void> {
    expect(await here.containers()).toHaveLength(2);
    here.letGo();
    expect((await here.ask('cleanup'))['removed']).toHaveLength(2);
    expect(await here.containers()).toEqual([]);
    await expectComplete(here.start(), here);
  }

  test('costs what lies below; containers stuck in it are named', async () => {
    const here = await place();
    const { code, stdout } = await here.start('--io-timeout', '1').ended;
    expect(code).toBe(3);
    expect(oneObject(stdout)).toMatchObject({ outcome: 'complete-with-problems', files: 200, problems: 2 });
    for (const { exitCode, error } of here.of('container.exited').filter(({ chunk }) => chunk !== 0)) {
      expect(exitCode).toBe(0);
      expect(error).toMatch(/stuck in the kernel/);
    }
    expect(await here.seriousCodes()).toEqual(['entries.unreadable']);
    await expectSwept(here);
  });

  test('SIGTERM ends the scan all the same, with all that was recorded', async () => {
    const here = await place();
    const scan = here.start();
    await here.workersHeld();
    const askedMs = performance.now();
    scan.child.kill('SIGTERM');
    const { code } = await scan.ended;
    expect(code).toBe(143);
    expect(performance.now() - askedMs).toBeLessThan(30_000);
    await expectSwept(here);
  });
});
