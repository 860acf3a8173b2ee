import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../support/cli.js';
import { DockerPlace, expectComplete, HeldPlace } from '../support/docker-scan.js';
import { DockerProxy, type Intercept } from '../support/docker-proxy.js';
import { describeWithImage, removedAfterwards } from '../support/with-image.js';

const README = resolve(import.meta.dirname, '../../README.md');

const REFUSED = { status: 403, json: { message: 'the proxy does not let this through' } };

/** The requests of the README's list, one line each: `GET /_ping`. */
function listed(): string[] {
  const [, block = ''] = /lets through only these requests suffices:\n\n((?: {4}.*\n)+)/.exec(
    readFileSync(README, 'utf8'),
  ) ?? ['', ''];
  return block.split('\n').flatMap((line) => {
    const [method = '', ...paths] = line.trim().split(/\s+/);
    return paths.map((path) => `${method} ${path}`);
  });
}

describeWithImage('a scan whose engine is behind a proxy', 120_000, (daemon) => {
  async function through(here: DockerPlace, intercept: Intercept): Promise<DockerProxy> {
    const proxy = await DockerProxy.open(daemon().host, join(here.root, 'proxy.sock'), intercept);
    onTestFinished(() => {
      proxy.close();
    });
    here.host = proxy.host;
    return proxy;
  }

  test('makes the requests that the README lists, all of them and no other', async () => {
    const here = removedAfterwards(new HeldPlace(daemon()));
    const allowed = listed();
    const refused: string[] = [];
    const proxy = await through(here, ({ line }) => {
      if (allowed.includes(line)) return null;
      refused.push(line);
      return REFUSED;
    });
    await here.hold(2, 50);
    const preflight = await here.ask('preflight', here.tree, '--engine', 'docker');
    expect(preflight).toMatchObject({ ok: true });
    const killed = here.start('--health-interval', '1');
    await here.workersHeld();
    await until('health', () => here.of('health.checked').some((data) => data['responsive'] === true));
    for (const command of ['status', 'monitor', 'diagnose'])
      expect(await here.ask(command)).toHaveProperty('scan');
    killed.child.kill('SIGKILL');
    await killed.ended;
    const cleaned = here.ask('cleanup');
    await until('SIGTERM', () => proxy.lines.has('POST /containers/{id}/kill'));
    here.letGo();
    expect((await cleaned)['removed']).toHaveLength(2);
    await expectComplete(here.start(), here);
    expect(refused).toEqual([]);
    expect([...proxy.lines].sort()).toEqual(allowed.sort());
  });

  /** What containers were asked for, as far as it goes to the host. */
  const hostConfig = (body: unknown): Record<string, unknown> =>
    (body as { HostConfig: Record<string, unknown> }).HostConfig;

  test('gives workers shares of the CPU where the kernel turns out to have no quota', async () => {
    const here = removedAfterwards(new DockerPlace(daemon()));
    here.plant(2, 10);
    const asked: Record<string, unknown>[] = [];
    await through(here, ({ line, body }) => {
      if (line !== 'POST /containers/create') return null;
      asked.push(hostConfig(body));
      // Docker's words where the kernel is built without CFS bandwidth control, as on some Synology boxes.
      const message =
        'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted';
      return asked.at(-1)?.['NanoCpus'] === undefined ? null : { status: 400, json: { message } };
    });
    await expectComplete(here.start('--cpus', '0.5'), here);
    const [first, ...others] = asked;
    expect(first).toMatchObject({ NanoCpus: 500_000_000 });
    expect(others.length).toBeGreaterThanOrEqual(3); // the probe again, and both workers
    for (const each of others) expect(each).toMatchObject({ CpuShares: 512 });
    // The lines that do the same by hand follow suit, but for the probe's, which was told before.
    const commands = here.of('container.requested').map(({ command }) => String(command));
    for (const command of commands.slice(1)) expect(command).toMatch(/ --cpu-shares 512 /);
    expect(await here.codes()).toEqual([]);
  });

  test('asks for what the host has and its kernel can, and for less where it may not ask what that is', async () => {
    const here = removedAfterwards(new DockerPlace(daemon()));
    here.plant(1, 10);
    const asked: Record<string, unknown>[] = [];
    const preflight = async (info: { status: number; json: Record<string, unknown> }): Promise<string> => {
      const proxy = await through(here, ({ line, body }) => {
        if (line === 'POST /containers/create') asked.push(hostConfig(body));
        return line === 'GET /info' ? info : null;
      });
      const args = ['--engine', 'docker', '--cpus', '96', '--memory', '900g', '--max-containers', '2'];
      const { ok, checks } = await here.ask('preflight', here.tree, ...args);
      proxy.close();
      expect(ok, JSON.stringify(checks)).toBe(true);
      return (
        (checks as { check: string; detail: string }[]).find(({ check }) => check === 'resources')?.detail ??
        ''
      );
    };
    const abilities = { CpuCfsQuota: false, MemoryLimit: true, PidsLimit: false, InitBinary: '' };
    const small = { NCPU: 1, MemTotal: 2 ** 29, ...abilities };
    const said = await preflight({ status: 200, json: small });
    expect(said).toContain('96 CPUs asked for, the host has 1: using 1');
    expect(said).toContain("2 workers of 900 GiB do not fit into the host's 512 MiB: using 192 MiB each");
    expect(asked[0]).toMatchObject({ CpuShares: 1024, Memory: 192 * 2 ** 20 });
    for (const absent of ['NanoCpus', 'PidsLimit', 'Init']) expect(asked[0]).not.toHaveProperty(absent);
    await preflight(REFUSED);
    expect(asked[1]).toMatchObject({ NanoCpus: availableParallelism() * 1e9 });
  });
});
