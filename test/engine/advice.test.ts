import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { AdviceOptions, ToldReport } from '../support/advice.js';
import { ENTRY, until } from '../support/cli.js';
import { DockerPlace, expectComplete, misbehavingImage, SLOWLY } from '../support/docker-scan.js';
import { buildSmallImage, builtCheckout, importBaseImage, TEST_IMAGE } from '../support/engine-image.js';
import { engineAvailable } from '../support/engine.js';
import { DockerProxy } from '../support/docker-proxy.js';
import { LatencyMount } from '../support/latency-mount.js';
import { listByCatalog, listByFind } from '../support/outside.js';
import { describeWithImage, removedAfterwards } from '../support/with-image.js';

// Troubles of worker containers, made for real: the right finding first and none beside it, and then its advice is
// followed to the letter.

/** Whatever else it does, advice builds images and scans with commands that work. */
const SUCCEEDING = /^(?:nas-scanner|docker (?:build|ps))/;

describeWithImage('advice for containers in trouble', 120_000, (daemon) => {
  let checkout = '';
  beforeAll(async () => {
    if (!engineAvailable) return;
    checkout = await builtCheckout(await importBaseImage(daemon()));
  });

  const place = (): DockerPlace => removedAfterwards(new DockerPlace(daemon()));

  /** The scan failed for just that, and nothing else needs anybody. */
  async function failedBy(here: DockerPlace, code: string): Promise<ToldReport> {
    const report = await here.diagnosed();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: [code] });
    return report;
  }

  /** Does what is advised, and nothing is left to be done. */
  async function follow(here: DockerPlace, report: ToldReport, options: AdviceOptions = {}): Promise<void> {
    await here.follow(report, { cwd: checkout, succeeding: SUCCEEDING, ...options });
    await here.expectSound();
    expect(listByCatalog(here.catalog)).toEqual(listByFind(here.tree));
    expect(await here.containers()).toEqual([]);
  }

  test('image.missing', async () => {
    const here = place();
    here.plant(1, 1);
    const image = 'nas-scanner-absent:test';
    onTestFinished(async () => {
      await daemon().docker('rmi', '-f', image);
    });
    expect((await here.start('--image', image).ended).code).toBe(1);
    await follow(here, await failedBy(here, 'image.missing'), { succeeding: /^(?:nas-scanner|docker)/ });
  });

  test('container.failed: an image whose workers give up', async () => {
    const here = place();
    here.plant(1, 1);
    const image = await misbehavingImage(daemon(), 'exit-1');
    expect((await here.start('--image', image, '--retries', '0').ended).code).toBe(4);
    const report = await failedBy(here, 'container.failed');
    expect(report.findings[0]?.evidence[0]?.text).toContain('no, not today');
    await follow(here, report);
  });

  test('container.start-failed: an image that has a file where the share is to be', async () => {
    const here = place();
    here.plant(1, 1);
    const image = 'nas-scanner-obstacle:test';
    const [top = ''] = here.tree.split('/').filter((name) => name !== '');
    await buildSmallImage(daemon(), image, `FROM scratch\nCOPY file /${top}\n`, {
      file: join(import.meta.dirname, '../support/misbehave.mjs'),
    });
    expect((await here.start('--image', image).ended).code).toBe(1);
    await follow(here, await failedBy(here, 'container.start-failed'));
  });

  test('container.oom-killed: more than one limit, less than twice that', async () => {
    const here = place();
    here.plant(1, 1);
    const image = await misbehavingImage(daemon(), 'hoard');
    const { code } = await here.start('--image', image, '--retries', '0', '--memory', '130m').ended;
    expect(code).toBe(4);
    await follow(here, await failedBy(here, 'container.oom-killed'));
  });

  test('container.oom-killed: not enough to begin with', async () => {
    const here = place();
    here.plant(1, 1);
    expect((await here.start('--memory', '6m').ended).code).toBe(1);
    await follow(here, await failedBy(here, 'container.oom-killed'));
  });

  test('container.start-timeout', async () => {
    const here = place();
    here.plant(1, 1);
    expect((await here.start('--start-timeout', '0.01').ended).code).toBe(1);
    await follow(here, await failedBy(here, 'container.start-timeout'));
  });

  test('container.killed: each worker, by somebody else', async () => {
    const here = place();
    here.plant(1, 1);
    const scan = here.start(...SLOWLY, '--retries', '0');
    const killed = new Set<string>();
    await until(
      'the end',
      () => {
        for (const { chunk, name } of here.of('container.started')) {
          if (chunk === 0 || killed.has(String(name))) continue;
          killed.add(String(name));
          void daemon()
            .docker('kill', String(name))
            .catch(() => undefined); // one that has ended by itself is none
        }
        return scan.child.exitCode !== null;
      },
      60_000,
    );
    expect((await scan.ended).code).toBe(4);
    await follow(here, await failedBy(here, 'container.killed'));
  });

  test('container.unresponsive: paused by somebody; it goes on', async () => {
    const here = place();
    here.plant(2, 100);
    const scan = here.start(...SLOWLY, '--health-interval', '1');
    const [name = ''] = await here.workersRunning();
    await daemon().docker('pause', name);
    const silent = (): boolean =>
      here.of('health.checked').filter((data) => data['responsive'] === false).length > 1;
    await until('silence', silent, 40_000);
    const report = await here.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'running', serious: ['container.unresponsive'] });
    await here.follow(report, { cwd: checkout, succeeding: /^(?:nas-scanner|docker)/ });
    await expectComplete(scan, here);
    await here.expectSound();
  });

  const socketOf = (host: string): string => host.slice('unix://'.length);

  test('docker.unreachable: no engine there', async () => {
    const here = place();
    here.plant(1, 1);
    here.host = `unix://${join(here.root, 'docker.sock')}`;
    expect((await here.start().ended).code).toBe(1);
    const startIt = (): void => symlinkSync(socketOf(daemon().host), socketOf(here.host));
    await follow(here, await failedBy(here, 'docker.unreachable'), { deeds: [[/^Start it/, startIt]] });
  });

  test('docker.unreachable: an engine for others', async () => {
    const here = place();
    here.plant(1, 1);
    spawnSync('chown', ['-R', '65534:65534', here.root]);
    const proxy = await DockerProxy.open(daemon().host, join(here.root, 'docker.sock'));
    onTestFinished(() => {
      proxy.close();
    });
    here.host = proxy.host;
    chmodSync(socketOf(here.host), 0o700);
    const as = 'setpriv --reuid 65534 --regid 65534 --clear-groups';
    expect((await here.paste(scanLine(here), { as })).code).toBe(1);
    const allow = (): void => chmodSync(socketOf(here.host), 0o777);
    const deeds: AdviceOptions['deeds'] = [[/use its socket/, allow]];
    await follow(here, await failedBy(here, 'docker.unreachable'), { deeds, as });
  });

  const scanLine = ({ tree, dataDir }: Pick<DockerPlace, 'tree' | 'dataDir'>): string =>
    `nas-scanner scan ${tree} Mount --data-dir ${dataDir} --engine docker`;

  /** `nas-scanner` runs in a container from now on, with its place and what is given. */
  function inContainer(here: DockerPlace, ...given: string[]): void {
    const words = ['run', '--rm', '--init', '--network', 'none', ...given];
    here.install(`docker ${words.join(' ')} ${TEST_IMAGE}`);
  }

  test('docker.unreachable: in a container without the socket', async () => {
    const here = place();
    here.plant(1, 1);
    const folders = ['-v', `${here.tree}:${here.tree}:ro`, '-v', `${here.dataDir}:${here.dataDir}`];
    inContainer(here, ...folders);
    expect((await here.paste(scanLine(here))).code).toBe(1);
    const handOver = (): void =>
      inContainer(here, ...folders, '-v', `${socketOf(here.host)}:/var/run/docker.sock`);
    const deeds: AdviceOptions['deeds'] = [[/hand it the socket/, handOver]];
    await follow(here, await failedBy(here, 'docker.unreachable'), { deeds });
  });

  test('path.untranslatable: a folder that only its own container knows', async () => {
    const here = place();
    here.plant(1, 1);
    const socket = ['-v', `${socketOf(here.host)}:/var/run/docker.sock`];
    const usual = [...socket, '-v', `${here.dataDir}:${here.dataDir}`];
    inContainer(here, ...usual, '--tmpfs', here.tree);
    expect((await here.paste(scanLine(here))).code).toBe(1);
    const mount = (): void => inContainer(here, ...usual, '-v', `${here.tree}:${here.tree}:ro`);
    const deeds: AdviceOptions['deeds'] = [[/^Mount/, mount]];
    await follow(here, await failedBy(here, 'path.untranslatable'), { deeds });
  });

  /** `nas-scanner` sees the tree at that place from now on, and nobody else does. */
  function seenAt(here: DockerPlace, point: string, before = ''): void {
    const script = `${before} mount --bind '${here.tree}' ${point} && exec '${process.execPath}' '${ENTRY}' \\"\\$@\\"`;
    here.install(`unshare --mount sh -c "${script}" sh`);
  }

  test('path.untranslatable: a share that Docker knows by another name', async () => {
    const here = place();
    here.plant(1, 1);
    const make = 'mount -t tmpfs none /mnt && mkdir /mnt/share &&';
    seenAt(here, '/mnt/share', make);
    expect((await here.paste(scanLine({ tree: '/mnt/share', dataDir: here.dataDir }))).code).toBe(1);
    const say = (): void =>
      seenAt(here, '/mnt/share', `export NAS_SCANNER_HOST_PATH='/mnt/share=${here.tree}'; ${make}`);
    await here.follow(await failedBy(here, 'path.untranslatable'), {
      deeds: [[/NAS_SCANNER_HOST_PATH/, say]],
    });
    await here.expectSound();
  });

  test('path.untranslatable: a share where an image has its own files', async () => {
    const here = place();
    here.plant(1, 1);
    seenAt(here, '/opt');
    expect((await here.paste(scanLine({ tree: '/opt', dataDir: here.dataDir }))).code).toBe(1);
    await here.follow(await failedBy(here, 'path.untranslatable'));
    await here.expectSound();
  });

  test('container.failed: a directory that kills whoever lists it costs itself, and nothing beside it', async () => {
    const here = place();
    const [source, gate] = [join(here.root, 'source'), join(here.root, 'gate')];
    here.plant(2, 3, source);
    mkdirSync(join(source, 'top-1', 'poison', 'below'), { recursive: true });
    for (const name of ['at', 'below/in']) writeFileSync(join(source, 'top-1', 'poison', name), name);
    writeFileSync(gate, '');
    const faults = {
      LATENCY_SOURCE: source,
      LATENCY_MS: '0',
      LATENCY_KILL: 'poison',
      LATENCY_KILL_WHILE: gate,
    };
    const mount = await LatencyMount.open(source, here.tree, faults);
    onTestFinished(() => {
      mount.close();
    });
    const { code } = await here.start('--retries', '0').ended;
    expect(code).toBe(4);
    const whole = listByFind(here.tree);
    const poison = Buffer.from('/poison/').toString('hex');
    expect(listByCatalog(here.catalog)).toEqual(whole.filter((line) => !line.includes(poison)));
    const report = await failedBy(here, 'container.failed');
    const mend = (): void => rmSync(gate);
    const inThere = /^Workers end each time in \S*\/top-1\/poison, \S*\/top-1\/poison\/below: mend/;
    await follow(here, report, { deeds: [[inThere, mend]] });
  });
});
