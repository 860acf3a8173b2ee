import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDockerEngine, type DockerEngine } from '../../src/engine/docker.js';
import { EngineError } from '../../src/engine/port.js';
import { buildSmallImage, importBaseImage } from '../support/engine-image.js';
import { containerNames, engineAvailable, silentSocket, type TestEngine } from '../support/engine.js';
import { sharedEngine } from '../support/with-image.js';
import { describeEngine, ended, FAKE_WORKER, Workbench } from './engine-contract.js';

const IMAGE = 'nas-scanner-fake-worker:test';
const MIB = 1024 ** 2;
const run = promisify(execFile);

interface Inspected {
  Name: string;
  HostConfig: Record<string, unknown>;
  Config: { Labels: Record<string, string> };
  Mounts: unknown[];
}

describe.skipIf(!engineAvailable)('docker', () => {
  let daemon: TestEngine;
  let docker: DockerEngine;
  let bench: Workbench;

  async function open(image = IMAGE): Promise<DockerEngine> {
    return createDockerEngine({ image, dataDir: join(bench.folder, 'data'), hostPaths: [] });
  }

  beforeAll(async () => {
    daemon = await sharedEngine();
    process.env['DOCKER_HOST'] = daemon.host;
    const base = await importBaseImage(daemon);
    const dockerfile = `FROM ${base}\nCOPY fake-worker.mjs /fake-worker.mjs\nENTRYPOINT ["node", "/fake-worker.mjs"]\n`;
    await buildSmallImage(daemon, IMAGE, dockerfile, { 'fake-worker.mjs': FAKE_WORKER });
    bench = await Workbench.make();
    docker = await open();
  }, 120_000);
  afterAll(async () => {
    await docker.close();
    await daemon.stop();
    await bench.remove();
  });

  describeEngine('docker', () => open());

  test('a worker sees the mount read-only at its own path, writes its folder, and has no more than it needs', async () => {
    const launch = await bench.launch({}, { limits: { cpus: 0.5, memoryBytes: 256 * MIB } });
    const { id } = await docker.start(launch, docker.plan(launch), 20_000);
    const [raw] = JSON.parse(await daemon.docker('inspect', id)) as [Inspected];
    await docker.remove(id);
    expect(raw.HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      NetworkMode: 'none',
      AutoRemove: false,
      Init: true,
      NanoCpus: 500_000_000,
      Memory: 256 * MIB,
      MemorySwap: 256 * MIB,
      Binds: null,
      LogConfig: { Type: 'json-file' },
    });
    expect(raw.HostConfig['PidsLimit']).toBeGreaterThan(0);
    expect(raw.HostConfig['CapAdd']).toEqual(['DAC_READ_SEARCH']);
    expect(raw.Mounts).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Destination: launch.mountPath, Source: launch.mountPath, RW: false }),
        expect.objectContaining({ Destination: launch.writerDir, Source: launch.writerDir, RW: true }),
      ]),
    );
    expect(raw.Config.Labels).toMatchObject({
      'nas-scanner.scan': launch.scan,
      'nas-scanner.chunk': String(launch.chunk),
      'nas-scanner.attempt': '1',
    });
    expect(raw.Name).toMatch(/^\/smart-scan-/);
  });

  test.each(['a:b, c ä\u{1f4be}', `a\nb it's "so" $HOME`])(
    'the mount may be called %j, and the line of the plan does the same by hand',
    async (name) => {
      const mountPath = join(bench.folder, name);
      await mkdir(mountPath, { recursive: true });
      await writeFile(join(mountPath, 'inside'), 'x');
      const launch = await bench.launch(
        { exitCode: 0, list: mountPath, writeInto: mountPath },
        { mountPath },
      );
      const plan = docker.plan(launch);
      const { id } = await docker.start(launch, plan, 20_000);
      expect((await ended(docker, id)).logTail).toEqual(['could not write: EROFS']);
      const seen = join(launch.writerDir, 'seen.json');
      expect(await readFile(seen, 'utf8')).toBe('["inside"]');
      await docker.remove(id);
      await writeFile(seen, '');
      const { stdout } = await run('bash', ['-c', plan.command], { env: { ...process.env } });
      await ended(docker, stdout.trim());
      await docker.remove(stdout.trim());
      expect(await readFile(seen, 'utf8')).toBe('["inside"]');
    },
  );

  test('files of other users can be read, and the folder of another user written into', async () => {
    const engine = await createDockerEngine({
      image: IMAGE,
      dataDir: join(bench.folder, 'data'),
      hostPaths: [],
      env: { PUID: '99', PGID: '100' },
    });
    const secret = join(bench.mount, 'secret');
    await mkdir(secret);
    await writeFile(join(secret, 'x'), 'x');
    await chmod(secret, 0o700);
    await chown(secret, 1234, 1234);
    const launch = await bench.launch({ exitCode: 0, list: secret, whoami: true });
    await chown(launch.writerDir, 99, 100);
    const { id } = await engine.start(launch, engine.plan(launch), 20_000);
    expect(await ended(engine, id)).toMatchObject({ exitCode: 0 });
    await engine.remove(id);
    await engine.close();
    expect(await readFile(join(launch.writerDir, 'seen.json'), 'utf8')).toBe('["x"]');
    expect((await stat(join(launch.writerDir, 'owned'))).size).toBe(1);
  });

  test('a worker that outgrows its memory is known as such', async () => {
    const launch = await bench.launch({ hoard: true }, { limits: { cpus: null, memoryBytes: 64 * MIB } });
    const { id } = await docker.start(launch, docker.plan(launch), 20_000);
    expect(await ended(docker, id)).toMatchObject({ oomKilled: true, exitCode: 137, signal: 'SIGKILL' });
    await docker.remove(id);
  });

  test('a missing image is called so, and nothing is left behind', async () => {
    const engine = await open('no-such-image:latest');
    const launch = await bench.launch({ exitCode: 0 });
    const plan = engine.plan(launch);
    await expect(engine.start(launch, plan, 20_000)).rejects.toMatchObject({ code: 'image-missing' });
    await expect(engine.inspectImage()).rejects.toMatchObject({ code: 'image-missing' });
    await engine.close();
    expect(await containerNames(daemon)).not.toContain(plan.name);
  });

  test('a start that cannot happen says why, and nothing is left behind', async () => {
    const launch = await bench.launch({ exitCode: 0 }, { mountPath: join(bench.folder, 'not-there') });
    const plan = docker.plan(launch);
    const failure = await docker.start(launch, plan, 20_000).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure).toMatchObject({ code: 'start-failed' });
    expect((failure as EngineError).message).toContain('not-there');
    expect(await containerNames(daemon)).not.toContain(plan.name);
  });

  test('a start that takes too long is given up, and nothing is left behind', async () => {
    const engine = await createDockerEngine({
      image: IMAGE,
      dataDir: join(bench.folder, 'data'),
      hostPaths: [],
    });
    const launch = await bench.launch({});
    const plan = engine.plan(launch);
    await expect(engine.start(launch, plan, 1)).rejects.toMatchObject({ code: 'start-timeout' });
    await engine.close(); // waits for what was given up
    expect(await containerNames(daemon)).not.toContain(plan.name);
  });

  test('a container that someone else removed has an exit without a code', async () => {
    const launch = await bench.launch({});
    const { id } = await docker.start(launch, docker.plan(launch), 20_000);
    await daemon.docker('rm', '-f', id);
    expect(await docker.exitOf(id)).toMatchObject({ exitCode: null, oomKilled: false });
  });

  test('a container that is paused does not answer in time', async () => {
    const launch = await bench.launch({});
    const { id } = await docker.start(launch, docker.plan(launch), 20_000);
    await daemon.docker('pause', id);
    expect(await docker.ping(id, 2000)).toBe(false);
    await daemon.docker('unpause', id);
    await docker.remove(id);
  });
});

describe('without an engine', () => {
  async function connect(host: string): Promise<unknown> {
    const before = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = host;
    try {
      return await createDockerEngine({
        image: IMAGE,
        dataDir: '/tmp',
        hostPaths: [],
        connectTimeoutMs: 500,
      });
    } catch (error) {
      return error;
    } finally {
      if (before === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = before;
    }
  }

  test('a missing socket is unreachable, with advice', async () => {
    const error = await connect('unix:///nowhere/docker.sock');
    expect(error).toMatchObject({ code: 'unreachable' });
    expect((error as EngineError).hint).toMatch(/Start Docker/);
  });

  test('an address that is none is unreachable, with advice', async () => {
    const error = await connect('tcp://127.0.0.1:99999');
    expect(error).toMatchObject({ code: 'unreachable' });
    expect((error as EngineError).hint).toMatch(/DOCKER_HOST/);
  });

  test('a socket that never answers is given up', async () => {
    const bench = await Workbench.make();
    const path = join(bench.folder, 'silent.sock');
    const server = await silentSocket(path);
    expect(await connect(`unix://${path}`)).toMatchObject({ code: 'unreachable' });
    await server.close();
    await bench.remove();
  });
});
