import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { oneObject, Running, until } from '../support/cli.js';
import { DockerPlace, misbehavingImage } from '../support/docker-scan.js';
import { buildImage, engineAvailable, TEST_IMAGE, TestEngine } from '../support/engine.js';
import { listByCatalog, listByFind } from '../support/outside.js';

/** So little CPU that a worker takes seconds: there is time to be in the middle of. */
const SLOWLY = ['--cpus', '0.15'];
const TEST_TIMEOUT_MS = 120_000;

describe.skipIf(!engineAvailable)('a scan in containers', { timeout: TEST_TIMEOUT_MS }, () => {
  let daemon: TestEngine;

  beforeAll(async () => {
    daemon = await TestEngine.shared();
    await buildImage(daemon);
  }, 180_000);
  afterAll(() => daemon.stop());

  function place(): DockerPlace {
    const made = new DockerPlace(daemon);
    onTestFinished(() => {
      made.remove();
    });
    return made;
  }

  /** The scan is complete, its catalog is what `find` lists, and no container is left. */
  async function expectComplete(scan: Running, where: DockerPlace): Promise<void> {
    const { code, stdout, stderr } = await scan.ended;
    expect(code, stderr.slice(-3000)).toBe(0);
    expect(oneObject(stdout)).toMatchObject({ outcome: 'complete', engine: 'docker' });
    expect(listByCatalog(where.catalog)).toEqual(listByFind(where.tree));
    expect(await where.containers()).toEqual([]);
    expect(await where.ask('verify')).toMatchObject({ sound: true });
  }

  test('catalogs what find lists, odd names too, over several containers at once', async () => {
    const here = place();
    here.plant(8, 100);
    for (const name of ['a:b', 'a,b', 'a b', 'a\nb', '"', '-rf', 'ä']) {
      mkdirSync(join(here.tree, name));
      writeFileSync(join(here.tree, name, name), name);
    }
    const raw = Buffer.concat([Buffer.from(`${here.tree}/`), Buffer.from([0x66, 0xff, 0x0a])]);
    mkdirSync(raw);
    writeFileSync(Buffer.concat([raw, Buffer.from('/x')]), 'x');
    writeFileSync(join(here.tree, 'loose'), 'x');
    await expectComplete(here.start(), here);
    expect(here.of('container.exited').every((data) => data['exitCode'] === 0)).toBe(true);
    expect(await here.codes()).toEqual([]);
    await expectComplete(here.start('--fresh'), here);
  });

  test('runs from a container itself, and translates its paths to the host', async () => {
    const here = place();
    here.plant(4, 50);
    const out = await daemon.docker(
      ...[
        'run',
        '--rm',
        '--init',
        '--network',
        'none',
        '-v',
        `${daemon.host.slice('unix://'.length)}:/var/run/docker.sock`,
      ],
      ...['-v', `${here.tree}:/scanned:ro`, '-v', `${here.dataDir}:/data`, TEST_IMAGE],
      ...[
        'scan',
        '/scanned',
        'Mount',
        '--data-dir',
        '/data',
        '--engine',
        'docker',
        '--json',
        '--chunk-size',
        '0.00001',
      ],
    );
    expect(oneObject(out)).toMatchObject({ outcome: 'complete', files: 200 });
    expect(here.of('container.requested').at(-1)?.['command']).toContain(
      `source=${here.tree},target=/scanned`,
    );
    expect(await here.containers()).toEqual([]);
  });

  test('refuses paths that only its own container knows, with the -v to add', async () => {
    const here = place();
    here.plant(1, 10);
    const failed = await daemon
      .docker(
        ...[
          'run',
          '--rm',
          '--network',
          'none',
          '-v',
          `${daemon.host.slice('unix://'.length)}:/var/run/docker.sock`,
        ],
        ...[
          '-v',
          `${here.tree}:/scanned:ro`,
          TEST_IMAGE,
          'preflight',
          '/scanned',
          '--data-dir',
          '/data',
          '--engine',
          'docker',
          '--json',
        ],
      )
      .then(() => '')
      .catch((error: unknown) => (error as { stdout: string }).stdout);
    const { ok, checks } = oneObject(failed) as {
      ok: boolean;
      checks: { check: string; ok: boolean; advice: string }[];
    };
    expect(ok).toBe(false);
    const paths = checks.find((check) => check.check === 'paths');
    expect(paths?.ok).toBe(false);
    expect(paths?.advice).toContain('-v /data:/data');
  });

  test('a missing image is found before anything starts', async () => {
    const here = place();
    here.plant(1, 1);
    const { code, stdout } = await here.start('--image', 'no-such-image:latest').ended;
    expect(code).toBe(1);
    expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete', chunks: { planned: 0 } });
    expect(await here.codes()).toContain('image.missing');
  });

  test('an engine that is not there is said to be unreachable', async () => {
    const here = place();
    here.plant(1, 1);
    const scan = new Running(here.dockerArgs(), { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    expect((await scan.ended).code).toBe(1);
    expect(await here.codes()).toContain('docker.unreachable');
  });

  test('a container that starts too slowly is given up, named and removed', async () => {
    const here = place();
    here.plant(1, 1);
    expect((await here.start('--start-timeout', '0.01').ended).code).toBe(1);
    expect(await here.codes()).toContain('container.start-timeout');
    expect(await here.containers()).toEqual([]);
  });

  test('a worker that is killed is tried again from where it was', async () => {
    const here = place();
    here.plant(4, 400);
    const scan = here.start(...SLOWLY);
    const [name = ''] = await here.workersRunning();
    await sleep(500);
    await daemon.docker('kill', '--signal', 'KILL', name);
    await expectComplete(scan, here);
    expect(here.of('container.exited')).toContainEqual(
      expect.objectContaining({ name, exitCode: 137, oomKilled: false }),
    );
    const report = (await here.ask('diagnose')) as { verdict: string; findings: { severity: string }[] };
    expect(report.verdict).toBe('complete');
    expect(report.findings.every((finding) => finding.severity === 'info')).toBe(true);
  });

  test('a container that someone else removes is tried again', async () => {
    const here = place();
    here.plant(4, 400);
    const scan = here.start(...SLOWLY);
    const [name = ''] = await here.workersRunning();
    await daemon.docker('rm', '-f', name);
    await expectComplete(scan, here);
    expect(here.of('container.exited').find((data) => data['name'] === name)?.['chunk']).toBeGreaterThan(0);
  });

  test('a worker out of memory is known as such and tried again', async () => {
    const here = place();
    here.plant(1, 20);
    const image = await misbehavingImage(daemon, 'hoard-once');
    await expectComplete(here.start('--image', image, '--memory', '150m'), here);
    expect(here.of('container.exited')).toContainEqual(
      expect.objectContaining({ attempt: 1, oomKilled: true }),
    );
    expect(await here.codes()).toContain('container.oom-killed');
  });

  test('workers that fail every time leave the scan incomplete, with their last words', async () => {
    const here = place();
    here.plant(1, 5);
    const image = await misbehavingImage(daemon, 'exit-1');
    const { code } = await here.start('--image', image, '--retries', '0').ended;
    expect(code).toBe(4);
    const exits = here.of('container.exited').filter((data) => data['chunk'] !== 0);
    expect(exits[0]).toMatchObject({ exitCode: 1, logTail: ['no, not today'] });
    expect(await here.codes()).toContain('container.failed');
    expect(await here.containers()).toEqual([]);
  });

  test('more CPUs than the host has are clamped, and that is said', async () => {
    const here = place();
    here.plant(1, 5);
    const { code } = await here.start('--cpus', '96', '--memory', '900g').ended;
    expect(code).toBe(0);
    const check = here.of('preflight.checked').find((data) => data['check'] === 'resources');
    expect(check?.['detail']).toMatch(/96 CPUs asked for/);
    expect(await here.codes()).toContain('resources.overcommitted');
  });

  test('a worker that does not answer is noticed, and goes on when it does', async () => {
    const here = place();
    here.plant(1, 400);
    const scan = here.start(...SLOWLY, '--health-interval', '1');
    const [name = ''] = await here.workersRunning();
    await daemon.docker('pause', name);
    await until(
      'unresponsive',
      () => here.of('health.checked').some((data) => data['responsive'] === false),
      30_000,
    );
    await daemon.docker('unpause', name);
    await expectComplete(scan, here);
  });

  test('a second coordinator is turned away while the first goes on', async () => {
    const here = place();
    here.plant(2, 200);
    const first = here.start(...SLOWLY);
    await here.workersRunning();
    expect((await here.start().ended).code).toBe(11);
    await expectComplete(first, here);
  });

  test('SIGTERM stops the workers in order and leaves no container; the next run goes on', async () => {
    const here = place();
    here.plant(4, 400);
    const scan = here.start(...SLOWLY);
    await here.workersRunning(2);
    await sleep(1000);
    const askedMs = performance.now();
    scan.child.kill('SIGTERM');
    expect((await scan.ended).code).toBe(143);
    expect(performance.now() - askedMs).toBeLessThan(15_000);
    expect(await here.containers()).toEqual([]);
    await expectComplete(here.start(), here);
    expect(here.of('scan.resumed')).toHaveLength(1);
  });

  test('a coordinator that was killed adopts the workers that still run', async () => {
    const here = place();
    here.plant(4, 600);
    const scan = here.start(...SLOWLY);
    const names = await here.workersRunning(2);
    scan.child.kill('SIGKILL');
    await scan.ended;
    await expectComplete(here.start(...SLOWLY), here);
    const started = here.of('container.started').map((data) => data['name']);
    for (const name of names) expect(started.filter((each) => each === name)).toHaveLength(1);
    expect(here.of('container.exited')).toContainEqual(
      expect.objectContaining({ name: names[0], exitCode: 0 }),
    );
  });

  test('cleanup removes what a dead scan left, and nothing else', async () => {
    const here = place();
    here.plant(4, 600);
    const stranger = `smart-scan-stranger-${process.pid}`;
    await daemon.docker('run', '-d', '--name', stranger, '--network', 'none', TEST_IMAGE, 'sleep', '300');
    const scan = here.start(...SLOWLY);
    const names = await here.workersRunning(2);
    scan.child.kill('SIGKILL');
    await scan.ended;
    const { removed } = (await here.ask('cleanup')) as { removed: { name: string }[] };
    expect(removed.map((each) => each.name)).toEqual(expect.arrayContaining(names));
    expect(await here.containers()).toEqual([]);
    expect(await daemon.docker('ps', '--format', '{{.Names}}')).toContain(stranger);
    await daemon.docker('rm', '-f', stranger);
    rmSync(join(here.tree, 'top-0'), { recursive: true });
  });
});
