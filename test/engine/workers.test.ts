import { expect, test } from 'vitest';
import { until } from '../support/cli.js';
import { DockerPlace, expectComplete, HeldPlace, misbehavingImage } from '../support/docker-scan.js';
import { TEST_IMAGE } from '../support/engine-image.js';
import { describeWithImage, removedAfterwards } from '../support/with-image.js';

const TEST_TIMEOUT_MS = 120_000;

interface Exited extends Record<string, unknown> {
  name: string;
  lastUsage: { memoryBytes: number } | null;
}

interface Diagnosis extends Record<string, unknown> {
  verdict: string;
  findings: { code: string; evidence: { file: string; seq: number | null; text: string }[] }[];
}

describeWithImage('a scan in containers whose workers are in trouble', TEST_TIMEOUT_MS, (daemon) => {
  const place = (): DockerPlace => removedAfterwards(new DockerPlace(daemon()));

  test('a worker out of memory is known as such and tried again', async () => {
    const here = place();
    here.plant(1, 20);
    const image = await misbehavingImage(daemon(), 'hoard-once');
    await expectComplete(here.start('--image', image, '--memory', '150m'), here);
    expect(here.of('container.exited')).toContainEqual(
      expect.objectContaining({ attempt: 1, oomKilled: true }),
    );
    expect(await here.codes()).toContain('container.oom-killed');
  });

  test('more CPUs than the host has are clamped, and that is said', async () => {
    const here = place();
    here.plant(1, 5);
    const { code, stderr } = await here.start('--cpus', '96', '--memory', '900g').ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/96 CPUs asked for, the host has \d+: using/);
    const check = here.of('preflight.checked').find((data) => data['check'] === 'resources');
    expect(check?.['detail']).toMatch(/96 CPUs asked for/);
    expect(await here.codes()).toContain('resources.overcommitted');
    await here.expectSound();
  });

  test('a worker in which nothing can be run any more is noticed, and goes on', async () => {
    const here = removedAfterwards(new HeldPlace(daemon()));
    await here.hold(2, 50);
    const scan = here.start('--health-interval', '1');
    const [name = ''] = await here.workersHeld();
    const shim = await daemon().freezeShim(name);
    const silent = (): boolean => here.of('health.checked').some((data) => data['responsive'] === false);
    // Each question to it has its own time limit, of up to 15 s.
    await until('unresponsive', silent, 60_000);
    shim.resume();
    here.letGo();
    await expectComplete(scan, here);
    expect(await here.seriousCodes()).toEqual([]);
  });

  test('SIGTERM stops the workers in order and leaves no container; the next run goes on', async () => {
    const here = removedAfterwards(new HeldPlace(daemon()));
    await here.hold(2, 50);
    const scan = here.start('--health-interval', '1');
    const names = await here.workersHeld();
    // By its second check the engine has answered before, too, what a worker uses.
    const checksOf = (chunk: unknown): number =>
      here.of('health.checked').filter((data) => data['chunk'] === chunk).length;
    const started = here.of('container.started').filter(({ name }) => names.includes(String(name)));
    await until('health checks', () => started.every(({ chunk }) => checksOf(chunk) >= 2), 40_000);
    const askedMs = performance.now();
    scan.child.kill('SIGTERM');
    await until('word of it', () => here.of('scan.interrupted').length === 1);
    here.letGo();
    expect((await scan.ended).code).toBe(143);
    expect(performance.now() - askedMs).toBeLessThan(15_000);
    expect(await here.containers()).toEqual([]);
    for (const { name, lastUsage } of here.of('container.exited') as Exited[])
      if (names.includes(name)) expect(lastUsage?.memoryBytes, name).toBeGreaterThan(2 ** 20);
    await expectComplete(here.start(), here);
    expect(here.of('scan.resumed')).toHaveLength(1);
  });

  test('cleanup removes what a dead scan left, and nothing else', async () => {
    const here = removedAfterwards(new HeldPlace(daemon()));
    await here.hold(2, 50);
    const stranger = `smart-scan-stranger-${process.pid}`;
    await daemon().docker('run', '-d', '--name', stranger, '--network', 'none', TEST_IMAGE, 'sleep', '300');
    const scan = here.start();
    const names = await here.workersHeld();
    scan.child.kill('SIGKILL');
    await scan.ended;
    const sealed = here.writersSealed();
    const cleaning = here.ask('cleanup');
    // Asked to end, they do that at once; what holds them keeps their containers.
    await until('seals', () => here.writersSealed() >= sealed + names.length);
    here.letGo();
    const { removed } = (await cleaning) as { removed: { name: string }[] };
    expect(removed.map((each) => each.name)).toEqual(expect.arrayContaining(names));
    expect(await here.containers()).toEqual([]);
    expect(await daemon().docker('ps', '--format', '{{.Names}}')).toContain(stranger);
    await daemon().docker('rm', '-f', stranger);
    for (const name of names) {
      const exited = here.of('container.exited').find((data) => data['name'] === name);
      expect(exited, name).toMatchObject({ exitCode: 143, swept: true });
      expect(here.of('container.removed').map((data) => data['name'])).toContain(name);
    }
    const { verdict, findings } = (await here.ask('diagnose')) as Diagnosis;
    expect(verdict).toBe('killed');
    const killed = findings.find(({ code }) => code === 'scan.killed');
    expect(killed?.evidence[0]?.file).toMatch(/coordinator\/0001-/);
    expect(killed?.evidence[0]?.text).not.toContain('cleanup');
    expect(findings.map(({ code }) => code)).not.toContain('journal.write-failed');
    expect(await here.ask('verify')).toMatchObject({ sound: true });
    await expectComplete(here.start(), here);
    expect(here.of('container.exited').filter((data) => data['name'] === names[0])).toHaveLength(1);
  });
});
