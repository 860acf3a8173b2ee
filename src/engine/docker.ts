import { getgid, getuid } from 'node:process';
import { ownerFromEnvironment } from '../../journal/owner.js';
import { containerSpec, LABELS, runLine, type ContainerSpec, type SpecAbilities } from './container-spec.js';
import { CALL_TIMEOUT_MS, DockerClient, type EngineInfo, type EngineVersion } from './docker-client.js';
import { inspectImage, inspectOwn, LABELS_REQUIRED, runInside, seenWorker } from './docker-read.js';
import { ContainerStarter } from './docker-start.js';
import { readExit, readLog, readUsage, type UsageSample } from './docker-state.js';
import { DockerWatch } from './docker-watch.js';
import { findOwnContainer, HostPaths, readSurroundings, type HostMount } from './paths.js';
import {
  EngineError,
  type Engine,
  type EngineSignal,
  type Launch,
  type LateStart,
  type LaunchPlan,
  type SeenWorker,
  type WorkerExit,
  type WorkerUsage,
} from './port.js';

export interface DockerEngineOptions {
  image: string;
  dataDir: string;
  /** INSIDE=OUTSIDE pairs of `--host-path`. */
  hostPaths: readonly HostMount[];
  env?: NodeJS.ProcessEnv;
  /** How long to wait for the first answer. */
  connectTimeoutMs?: number;
}

/** A container of ours, and the data directory it belongs to as the host calls it (null: not labelled). */
export interface OwnedWorker extends SeenWorker {
  dataDir: string | null;
}

/** Runs workers as containers. It also answers what preflight asks about the daemon itself. */
export class DockerEngine implements Engine {
  readonly kind = 'docker';
  readonly subject = 'container';
  readonly workersOutlive = true;
  readonly version: EngineVersion;
  /** Null where a filtering proxy refuses the question. */
  readonly info: EngineInfo | null;
  readonly paths: HostPaths;
  readonly #client: DockerClient;
  readonly #options: DockerEngineOptions;
  readonly #watches = new Set<DockerWatch>();
  readonly #samples = new Map<string, UsageSample>();
  readonly #abilities: SpecAbilities;
  readonly #starter: ContainerStarter;

  constructor(
    client: DockerClient,
    options: DockerEngineOptions,
    daemon: { version: EngineVersion; info: EngineInfo | null; paths: HostPaths },
  ) {
    this.#client = client;
    this.#options = options;
    this.version = daemon.version;
    this.info = daemon.info;
    this.paths = daemon.paths;
    this.#abilities = {
      cpuQuota: daemon.info?.cpuQuota ?? true,
      memoryLimit: daemon.info?.memoryLimit ?? true,
      pidsLimit: daemon.info?.pidsLimit ?? true,
      init: daemon.info?.hasInit ?? true,
    };
    this.#starter = new ContainerStarter(client, this.#abilities);
  }

  get image(): string {
    return this.#options.image;
  }

  /** @throws EngineError `path-untranslatable` */
  plan(launch: Launch): LaunchPlan {
    const spec = this.#spec(launch);
    return { name: spec.name, image: spec.image, command: runLine(spec) };
  }

  async start(
    launch: Launch,
    _plan: LaunchPlan,
    timeoutMs: number,
    onLate?: (late: LateStart) => void,
  ): Promise<{ id: string }> {
    return this.#starter.start(() => this.#spec(launch), timeoutMs, onLate);
  }

  async list(scan?: string): Promise<SeenWorker[]> {
    const label = scan === undefined ? LABELS.scan : `${LABELS.scan}=${scan}`;
    const found = await this.#client.call('list containers', CALL_TIMEOUT_MS, (docker, abortSignal) =>
      docker.listContainers({
        all: true,
        filters: { label: [label, ...LABELS_REQUIRED] },
        abortSignal,
      }),
    );
    return found.map(seenWorker);
  }

  async exitOf(id: string): Promise<WorkerExit> {
    return readExit(this.#client, id);
  }

  async logTail(id: string): Promise<string[]> {
    return readLog(this.#client, id);
  }

  async usage(id: string): Promise<WorkerUsage> {
    return readUsage(this.#client, id, this.#samples);
  }

  async ping(id: string, timeoutMs: number): Promise<boolean> {
    try {
      return await this.#client.call('run a command in the container', timeoutMs, (docker, abortSignal) =>
        runInside(docker.getContainer(id), abortSignal),
      );
    } catch (error) {
      // The container's silence is the answer; the daemon's own is for the watch to report.
      if (error instanceof EngineError) return false;
      throw error;
    }
  }

  async signal(id: string, signal: 'SIGTERM' | 'SIGUSR2' | 'SIGKILL'): Promise<void> {
    // Docker waits for the exit, too; one that is stuck in the kernel has been sent the signal all the same.
    await this.#ignoring(/not running|no such container|did not receive an exit event/i, () =>
      this.#client.call(`send ${signal}`, CALL_TIMEOUT_MS, (docker, abortSignal) =>
        docker.getContainer(id).kill({ signal, abortSignal }),
      ),
    );
  }

  async remove(id: string): Promise<void> {
    await this.#ignoring(/no such container|already in progress/i, () =>
      this.#client.call('remove the container', CALL_TIMEOUT_MS, (docker, abortSignal) =>
        docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
      ),
    );
    this.#samples.delete(id);
  }

  watch(listener: (signal: EngineSignal) => void): void {
    this.#watches.add(new DockerWatch(this.#client, LABELS.scan, listener));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watches].map((watch) => watch.close()));
    this.#watches.clear();
    await this.#starter.settle();
    this.#client.close();
  }

  /** Id and creation of the worker image. @throws EngineError `image-missing` or `unreachable` */
  async inspectImage(): Promise<{ id: string; created: string }> {
    const { image } = this.#options;
    try {
      const found = await this.#client.call(
        `look for the image ${image}`,
        CALL_TIMEOUT_MS,
        (docker, abortSignal) => inspectImage(docker, image, abortSignal),
      );
      return { id: found.Id, created: found.Created };
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
      throw new EngineError('image-missing', `the image ${image} is not there`, {
        cause: error,
        hint: 'Build it first: the README has the command under "In Docker, on Unraid".',
      });
    }
  }

  /** Every container of ours, of whatever data directory. */
  async listOwned(): Promise<OwnedWorker[]> {
    const found = await this.#client.call('list containers', CALL_TIMEOUT_MS, (docker, abortSignal) =>
      docker.listContainers({
        all: true,
        filters: { label: LABELS_REQUIRED },
        abortSignal,
      }),
    );
    return found.map((info) => ({ ...seenWorker(info), dataDir: info.Labels[LABELS.dataDir] ?? null }));
  }

  #spec(launch: Launch): ContainerSpec {
    const env = this.#options.env ?? process.env;
    return containerSpec(launch, {
      image: this.#options.image,
      mountSource: this.paths.toHost(launch.mountPath),
      writerSource: this.paths.toHost(launch.writerDir),
      dataDirSource: this.paths.toHost(this.#options.dataDir),
      owner: ownerFrom(env),
      umask: env['UMASK'] ?? null,
      abilities: this.#abilities,
    });
  }

  async #ignoring(words: RegExp, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof EngineError && words.test(error.message))) throw error;
    }
  }
}

/**
 * Connects to the engine that DOCKER_HOST names, else the default socket.
 * @throws EngineError `unreachable`
 */
export async function createDockerEngine(options: DockerEngineOptions): Promise<DockerEngine> {
  const { client, version } = await DockerClient.connect(options.connectTimeoutMs);
  const info = await client.info();
  const own = await findOwnContainer(readSurroundings(options.env), async (name) => inspectOwn(client, name));
  return new DockerEngine(client, options, { version, info, paths: new HostPaths(options.hostPaths, own) });
}

/** Whose files the worker's are to be: PUID and PGID, else whoever runs the coordinator; null for root. */
function ownerFrom(env: NodeJS.ProcessEnv): { uid: number; gid: number } | null {
  const asked = ownerFromEnvironment(env);
  const uid = asked.uid ?? getuid?.() ?? 0;
  const gid = asked.gid ?? getgid?.() ?? 0;
  return uid === 0 && gid === 0 ? null : { uid, gid };
}
