import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/cli.js';
import { DockerPlace, expectComplete, HeldPlace, SLOWLY } from '../support/docker-scan.js';
import { describeWithImage, removedAfterwards } from '../support/with-image.js';

const TEST_TIMEOUT_MS = 120_000;

describeWithImage('a scan in containers', TEST_TIMEOUT_MS, (daemon) => {
  const place = (): DockerPlace => removedAfterwards(new DockerPlace(daemon()));

  test('catalogs what find lists, odd names too, over several containers at once', async () => {
    const here = place();
    here.plant(8, 40);
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
  });

  test('does not wait for a container that a dead coordinator made and never started', async () => {
    const here = removedAfterwards(new HeldPlace(daemon()));
    await here.hold(1, 100);
    const scan = here.start();
    const [name = ''] = await here.workersHeld();
    scan.child.kill('SIGKILL');
    await scan.ended;
    here.letGo();
    // As if it had died a moment earlier.
    const { command } = here.of('container.requested').find((data) => data['name'] === name) ?? {};
    await daemon().docker('rm', '-f', name);
    const made = String(command).replace('docker run --detach', 'docker create');
    expect(spawnSync('sh', ['-c', made], { env: { ...process.env, DOCKER_HOST: here.host } }).status).toBe(0);
    await expectComplete(here.start(), here);
    expect(here.of('container.requested').at(-1)).toMatchObject({ chunk: 1, attempt: 2 });
  });

  test('runs from a container itself, and translates its paths to the host', async () => {
    const here = place();
    here.plant(2, 50);
    const report = await here.inContainer(
      { [here.tree]: '/scanned:ro', [here.dataDir]: '/data' },
      ...[
        'scan',
        '/scanned',
        'Mount',
        '--data-dir',
        '/data',
        '--engine',
        'docker',
        '--chunk-size',
        '0.00001',
      ],
    );
    expect(report).toMatchObject({ outcome: 'complete', files: 100 });
    expect(here.of('container.requested').at(-1)?.['command']).toContain(
      `source=${here.tree},target=/scanned`,
    );
    expect(await here.containers()).toEqual([]);
  });

  test.each(['docker', 'auto'])(
    'refuses paths that only its own container knows, with the -v to add: --engine %s',
    async (engine) => {
      const here = place();
      here.plant(1, 10);
      const { ok, checks } = (await here.inContainer(
        { [here.tree]: '/scanned:ro' },
        ...['preflight', '/scanned', '--data-dir', '/data', '--engine', engine],
      )) as { ok: boolean; checks: { check: string; ok: boolean; advice: string }[] };
      expect(ok).toBe(false);
      const paths = checks.find((check) => check.check === 'paths');
      expect(paths?.ok).toBe(false);
      expect(paths?.advice).toContain('-v /data:/data');
    },
  );

  test('catalogs no folder of its own container in place of a share that was not mounted', async () => {
    const here = place();
    mkdirSync(here.dataDir, { recursive: true });
    const scan = ['scan', '/etc', 'Etc', '--data-dir', '/data'];
    const refused = await here.inContainer({ [here.dataDir]: '/data' }, ...scan);
    expect(refused).toMatchObject({ outcome: 'incomplete', engine: 'docker', files: 0 });
    const paths = here.of('preflight.checked').find((data) => data['check'] === 'paths');
    expect(paths).toMatchObject({ ok: false });
    expect(paths?.['advice']).toContain('-v /etc:/etc');
    expect(await here.seriousCodes()).toEqual(['path.untranslatable']);
    const asked = await here.inContainer({ [here.dataDir]: '/data' }, ...scan, '--engine', 'process');
    expect(asked).toMatchObject({ engine: 'process', outcome: 'complete' });
  });

  test('workers that are killed or removed by someone else are tried again from where they were', async () => {
    const here = place();
    here.plant(3, 200);
    const scan = here.start(...SLOWLY);
    const [killed = '', removed = ''] = await here.workersRunning(2);
    await daemon().docker('rm', '-f', removed);
    await daemon().docker('kill', '--signal', 'KILL', killed);
    await expectComplete(scan, here);
    const exits = here.of('container.exited');
    expect(exits).toContainEqual(expect.objectContaining({ name: killed, exitCode: 137, oomKilled: false }));
    expect(exits.find((data) => data['name'] === removed)?.['chunk']).toBeGreaterThan(0);
    const report = (await here.ask('diagnose')) as { verdict: string; findings: { severity: string }[] };
    expect(report.verdict).toBe('complete');
    expect(report.findings.every((finding) => finding.severity === 'info')).toBe(true);
  });

  test('a second coordinator is turned away; when the first is killed, the next adopts its workers', async () => {
    const here = removedAfterwards(new HeldPlace(daemon()));
    await here.hold(2, 400);
    const scan = here.start();
    const names = await here.workersHeld();
    expect((await here.start().ended).code).toBe(11);
    scan.child.kill('SIGKILL');
    await scan.ended;
    const next = here.start();
    await until('their adoption', () => here.of('container.adopted').length === 2, 40_000);
    const { workers } = (await here.ask('status')) as { workers: { name: string }[] };
    for (const { name } of workers) expect(names).toContain(name);
    here.letGo();
    await expectComplete(next, here);
    expect(here.of('container.adopted').map((data) => data['name'])).toEqual(expect.arrayContaining(names));
    const started = here.of('container.started').map((data) => data['name']);
    for (const name of names) expect(started.filter((each) => each === name)).toHaveLength(1);
    expect(here.of('container.exited')).toContainEqual(
      expect.objectContaining({ name: names[0], exitCode: 0 }),
    );
  });
});
