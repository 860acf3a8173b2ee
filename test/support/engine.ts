import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROJECT = resolve(import.meta.dirname, '../..');
export const TEST_IMAGE = 'nas-scanner-hp:latest';
const BASE_IMAGE = `nas-scanner-test-base:${process.version}`;
/** Says of which build a test image is: one that is there already need not be built again. */
const BUILD_LABEL = 'nas-scanner.test-build';
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
/** Debian keeps dockerd where a user's PATH may not lead. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
/** Programs of the base image besides node; the last ones for people and for tests that misbehave on purpose. */
const BASE_PROGRAMS = [
  '/bin/sh',
  '/usr/bin/env',
  '/bin/echo',
  '/bin/sleep',
  '/bin/cat',
  '/bin/ls',
  '/usr/bin/find',
];

function installed(): boolean {
  if (process.getuid?.() !== 0) return false;
  return PATH.split(':').some((folder) => folder !== '' && existsSync(join(folder, 'dockerd')));
}

/** Whether tests can start an engine of their own. Where CI is set they must: then a missing engine fails them. */
export const engineAvailable = installed() || process.env['CI'] === 'true';

/** A dockerd of the test's own: its roots, its socket, its pid. */
export class TestEngine {
  readonly folder: string;
  /** As DOCKER_HOST has it. */
  readonly host: string;
  #daemon: ChildProcess | null = null;

  private constructor(folder: string, host: string) {
    this.folder = folder;
    this.host = host;
  }

  /** The engine that DOCKER_HOST names, where it answers (it is never stopped or killed), else one of our own. */
  static async shared(): Promise<TestEngine> {
    const engine = new TestEngine('', process.env['DOCKER_HOST'] ?? '');
    if (engine.host !== '' && (await engine.answers())) return engine;
    return TestEngine.start();
  }

  static async start(options: DaemonOptions = {}): Promise<TestEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'nas-scanner-engine-'));
    const engine = new TestEngine(folder, `unix://${join(folder, 'docker.sock')}`);
    try {
      if (options.diskBytes !== undefined) await engine.#mountDisk(options.diskBytes);
      await engine.launch(options);
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** Where the daemon keeps images and containers. */
  get dataRoot(): string {
    return join(this.folder, 'data');
  }

  async #mountDisk(bytes: number): Promise<void> {
    const image = join(this.folder, 'disk');
    await mkdir(this.dataRoot);
    await run('truncate', ['-s', String(bytes), image]);
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', image], { env: { ...process.env, PATH } });
    await run('mount', ['-o', 'loop', image, this.dataRoot]);
  }

  get pid(): number {
    if (this.#daemon?.pid === undefined) throw new Error('the engine does not run');
    return this.#daemon.pid;
  }

  /** Starts the daemon (again, on the same roots) and waits for its answer. */
  async launch({ liveRestore = false }: DaemonOptions = {}): Promise<void> {
    await rm(join(this.folder, 'pid'), { force: true });
    const log = openSync(join(this.folder, 'log'), 'a');
    this.#daemon = spawn(
      'dockerd',
      [
        ...['--data-root', this.dataRoot, '--exec-root', join(this.folder, 'exec')],
        ...['--pidfile', join(this.folder, 'pid'), '-H', this.host],
        ...['--bridge=none', '--iptables=false', '--storage-driver=overlay2', '--log-level=warn'],
        ...(liveRestore ? ['--live-restore'] : []),
      ],
      { stdio: ['ignore', log, log], env: { ...process.env, PATH } },
    );
    closeSync(log);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.answers())) {
      if (Date.now() > deadline || this.#daemon.exitCode !== null)
        throw new Error(`dockerd does not answer: ${this.#lastWords()}`);
      await sleep(100);
    }
  }

  async answers(): Promise<boolean> {
    return this.docker('version')
      .then(() => true)
      .catch(() => false);
  }

  /** The docker command line against this engine. */
  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', args, {
      env: { ...process.env, DOCKER_HOST: this.host },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 60_000,
    });
    return stdout.trim();
  }

  #lastWords(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8').trim().split('\n').slice(-3).join(' | ');
  }

  /** Kills a container's processes without asking the daemon, which would wait for those that are stuck in the kernel. */
  async killProcesses(container: string): Promise<void> {
    process.kill(Number(await this.docker('inspect', '--format', '{{.State.Pid}}', container)), 'SIGKILL');
  }

  /** Stops what stands between the daemon and a container: whatever is to be run in that hangs. */
  async freezeShim(container: string): Promise<{ resume(): void }> {
    const id = await this.docker('inspect', '--format', '{{.Id}}', container);
    const shim = Number(
      readdirSync('/proc').find((pid) => isShim(commandLine(pid)) && commandLine(pid).includes(id)),
    );
    process.kill(shim, 'SIGSTOP');
    return { resume: () => void process.kill(shim, 'SIGCONT') };
  }

  /** SIGKILL: containers and their shims run on. */
  async kill(): Promise<void> {
    const containerd = Number(readFileSync(join(this.folder, 'exec/containerd/containerd.pid'), 'utf8'));
    await this.#end('SIGKILL');
    // The daemon's death takes its containerd along, a moment later: a new daemon would lean on the dying one.
    while (existsSync(`/proc/${containerd}`)) await sleep(20);
  }

  /** Stops every container and the daemon, then removes all it kept. */
  async stop(): Promise<void> {
    if (this.folder === '') return;
    if (this.#daemon !== null && this.#daemon.exitCode === null) {
      process.kill(this.pid, 'SIGCONT');
      const all = await this.docker('ps', '-aq').catch(() => '');
      if (all !== '') await this.docker('rm', '-f', ...all.split('\n')).catch(() => '');
      await this.#end('SIGTERM');
    }
    this.#killShims();
    await unmountBelow(this.folder);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What a daemon that was killed while it started a container has never heard of. */
  #killShims(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const words = commandLine(pid);
      if (!words.includes(join(this.folder, 'exec/containerd/containerd.sock'))) continue;
      if (!isShim(words)) continue;
      for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' '))
        if (child !== '') process.kill(Number(child), 'SIGKILL');
      process.kill(Number(pid), 'SIGKILL');
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = new Promise<void>((done) => daemon.once('exit', () => done()));
    daemon.kill(signal);
    await Promise.race([gone, sleep(STOP_TIMEOUT_MS).then(() => daemon.kill('SIGKILL'))]);
    this.#daemon = null;
  }
}

function isShim(words: string[]): boolean {
  return words[0]?.includes('containerd-shim') === true;
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // ended meanwhile
  }
}

interface DaemonOptions {
  /** Containers outlive the daemon, and the next one takes them over. */
  liveRestore?: boolean;
  /** Its data lies on a disk of its own, this large. */
  diskBytes?: number;
}

async function unmountBelow(folder: string): Promise<void> {
  const { stdout } = await run('cat', ['/proc/self/mountinfo']);
  const points = stdout
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.reverse()) await run('umount', ['-l', point]).catch(() => undefined);
}

/** Copies a program and the libraries it needs into a folder that becomes an image. */
async function copyProgram(program: string, target: string, as = program): Promise<void> {
  await mkdir(dirname(join(target, as)), { recursive: true });
  await cp(program, join(target, as), { dereference: true });
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  for (const match of stdout.matchAll(/(\/\S+)\s+\(0x/g)) {
    const library = match[1] ?? '';
    await mkdir(dirname(join(target, library)), { recursive: true });
    await cp(library, join(target, library), { dereference: true });
  }
}

/** Imports a base image made of this machine's node and a few programs; no registry is asked. */
export async function importBaseImage(engine: TestEngine): Promise<string> {
  if (await hasImage(engine, BASE_IMAGE)) return BASE_IMAGE;
  const folder = await mkdtemp(join(tmpdir(), 'nas-scanner-base-'));
  try {
    await copyProgram(process.execPath, folder, '/usr/local/bin/node');
    for (const program of BASE_PROGRAMS) if (existsSync(program)) await copyProgram(program, folder);
    // The native parts of the catalog and the digests need these, which node itself may not.
    for (const library of ['libstdc++.so.6', 'libgcc_s.so.1', 'libm.so.6', 'librt.so.1'])
      await copyLibrary(library, folder);
    await mkdir(join(folder, 'tmp'), { recursive: true });
    await pipe(['tar', '-C', folder, '-c', '.'], ['docker', 'import', '-', BASE_IMAGE], engine);
    return BASE_IMAGE;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hasImage(engine: TestEngine, name: string, build?: string): Promise<boolean> {
  const format = `{{index .Config.Labels "${BUILD_LABEL}"}}`;
  return engine
    .docker('image', 'inspect', '--format', build === undefined ? '{{.Id}}' : format, name)
    .then((found) => build === undefined || found === build)
    .catch(() => false);
}

/** A small image from a Dockerfile's text and files beside it. */
export async function buildSmallImage(
  engine: TestEngine,
  tag: string,
  dockerfile: string,
  files: Record<string, string>,
): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'nas-scanner-context-'));
  try {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    for (const [name, source] of Object.entries(files)) await cp(source, join(context, name));
    await pipe(
      ['tar', '-C', context, '-c', '.'],
      ['docker', 'build', '--network', 'none', '-t', tag, '-'],
      engine,
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function copyLibrary(name: string, target: string): Promise<void> {
  const { stdout } = await run('ldconfig', ['-p'], { env: { ...process.env, PATH } });
  const path = new RegExp(`^\\s*${name.replaceAll('+', '\\+')} .*=> (/\\S+)$`, 'm').exec(stdout)?.[1];
  if (path === undefined) return;
  await mkdir(dirname(join(target, path)), { recursive: true });
  await cp(path, join(target, path), { dereference: true });
}

/** Builds the project's own Dockerfile on that base, from `dist` and the production packages. */
export async function buildImage(engine: TestEngine, tag = TEST_IMAGE): Promise<void> {
  const base = await importBaseImage(engine);
  const build = await fingerprint(join(PROJECT, 'dist'));
  if (await hasImage(engine, tag, build)) return;
  const context = await mkdtemp(join(tmpdir(), 'nas-scanner-context-'));
  try {
    await gatherCheckout(context, base);
    await pipe(
      ['tar', '-C', context, '-c', '.'],
      ['docker', 'build', '--network', 'none', '--label', `${BUILD_LABEL}=${build}`, '-t', tag, '-'],
      engine,
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Puts what the Dockerfile copies into a folder, and itself with that base: a checkout that is built. */
export async function gatherCheckout(folder: string, base: string): Promise<void> {
  const dockerfile = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8');
  await writeFile(
    join(folder, 'Dockerfile'),
    dockerfile.replace(/^ARG NODE_IMAGE=.*$/m, `ARG NODE_IMAGE=${base}`),
  );
  await cp(join(PROJECT, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const path of productionPackages()) {
    await cp(join(PROJECT, path), join(folder, path), { recursive: true, dereference: true });
  }
}

/** Changes whenever a file of the folder does. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = await readdir(folder, { recursive: true });
  for (const name of names.sort()) {
    const { size, mtimeMs } = await stat(join(folder, name));
    hash.update(`${name}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Folders below node_modules that the lock file does not mark as for development only. */
function productionPackages(): string[] {
  const lock = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true && existsSync(join(PROJECT, path)))
    .map(([path]) => path)
    .filter((path) => path.lastIndexOf('node_modules/') === 0);
}

async function pipe(from: string[], to: string[], engine: TestEngine): Promise<void> {
  const quoted = [from, to].map((words) => words.map((word) => `'${word}'`).join(' ')).join(' | ');
  await run('bash', ['-o', 'pipefail', '-c', quoted], {
    env: { ...process.env, DOCKER_HOST: engine.host, DOCKER_BUILDKIT: '0' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** A socket that accepts and never answers, as a frozen daemon does. */
export async function silentSocket(path: string): Promise<{ close(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((done) => server.listen(path, done));
  return {
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Names of all containers, whatever their state. */
export async function containerNames(engine: TestEngine): Promise<string[]> {
  const out = await engine.docker('ps', '-a', '--format', '{{.Names}}');
  return out === '' ? [] : out.split('\n').sort();
}
