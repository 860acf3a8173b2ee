import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
/** Debian keeps dockerd where a user's PATH may not lead. */
export const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
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

  /** One that others start and stop: `stop` does nothing to it. @param host as DOCKER_HOST has it */
  static at(host: string): TestEngine {
    return new TestEngine('', host);
  }

  /** Where an engine in that folder listens. */
  static hostIn(folder: string): string {
    return `unix://${join(folder, 'docker.sock')}`;
  }

  /** Starts one in that folder, which stays when this process ends. */
  static async startIn(folder: string): Promise<void> {
    const engine = new TestEngine(folder, TestEngine.hostIn(folder));
    await engine.launch();
    engine.#daemon?.unref();
  }

  static async start(options: DaemonOptions = {}): Promise<TestEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'nas-scanner-engine-'));
    const engine = new TestEngine(folder, TestEngine.hostIn(folder));
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

/** The words that a process was started with; none: it has ended. */
export function commandLine(pid: string): string[] {
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

/** Gives up all mounts below a folder, the innermost first. */
export async function unmountBelow(folder: string): Promise<void> {
  const { stdout } = await run('cat', ['/proc/self/mountinfo']);
  const points = stdout
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.reverse()) await run('umount', ['-l', point]).catch(() => undefined);
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
