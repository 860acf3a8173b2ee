import { hidesImage } from './container-spec.js';
import type { DockerEngine, DockerEngineOptions } from './docker.js';
import { EngineError, type Engine } from './port.js';

/** An engine that does not answer at once is no reason to keep `--engine auto` waiting. */
const AUTO_CONNECT_TIMEOUT_MS = 5_000;

export interface ChooseOptions extends DockerEngineOptions {
  engine: 'auto' | 'docker' | 'process';
  mountPath: string;
  /** The engine without containers; null where only the choice matters. */
  createProcess: () => Engine | null;
}

/** The engine of a scan. Where `kind` is docker and there is no engine, `error` says why; preflight reports it. */
export interface EngineChoice {
  kind: 'docker' | 'process';
  engine: Engine | null;
  /** The same engine, where it is Docker, with what only Docker can tell. */
  docker: DockerEngine | null;
  /** One sentence for the log: why this engine. */
  reason: string;
  error: EngineError | null;
}

/**
 * Takes what was asked for; `auto` takes Docker where an engine answers, the image is there and a container
 * can see the paths, else processes. A path that only our own container has is no reason for processes: a share
 * that was not mounted would be cataloged as the container's own folder. Preflight refuses it. Never rejects for
 * want of an engine.
 */
export async function chooseEngine(options: ChooseOptions): Promise<EngineChoice> {
  if (options.engine === 'process') return processes(options, 'asked for with --engine process');
  try {
    const docker = await connect(options);
    if (options.engine === 'docker') return containers(docker, 'asked for with --engine docker');
    const obstacle = await obstacleOf(docker, options);
    if (obstacle === null) {
      const { product, version } = docker.version;
      return containers(docker, `${product} ${version} answers and has the image ${options.image}`);
    }
    await docker.close();
    return processes(options, obstacle);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (options.engine === 'docker') {
      const reason = 'asked for with --engine docker';
      return { kind: 'docker', engine: null, docker: null, reason, error };
    }
    return processes(options, `no Docker engine answers (${error.message})`);
  }
}

/** dockerode is loaded only here and only when needed: it takes long to load. */
async function connect(options: ChooseOptions): Promise<DockerEngine> {
  const { createDockerEngine } = await import('./docker.js');
  if (options.engine === 'docker') return createDockerEngine(options);
  return createDockerEngine({ connectTimeoutMs: AUTO_CONNECT_TIMEOUT_MS, ...options });
}

/** Why containers cannot do this scan but processes can, or null. */
async function obstacleOf(docker: DockerEngine, options: ChooseOptions): Promise<string | null> {
  try {
    await docker.inspectImage();
    docker.paths.toHost(options.mountPath);
    docker.paths.toHost(options.dataDir);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return error.code === 'path-untranslatable' ? null : error.message;
  }
  return hidesImage(options.mountPath)
    ? `a container cannot see ${options.mountPath} at its own place`
    : null;
}

function containers(docker: DockerEngine, reason: string): EngineChoice {
  return { kind: 'docker', engine: docker, docker, reason, error: null };
}

function processes(options: ChooseOptions, reason: string): EngineChoice {
  return { kind: 'process', engine: options.createProcess(), docker: null, reason, error: null };
}
