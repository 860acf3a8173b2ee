import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';
import { LABELS } from './container-spec.js';
import { CALL_TIMEOUT_MS, type DockerClient } from './docker-client.js';
import type { InspectedContainer } from './paths.js';
import { EngineError, type SeenWorker } from './port.js';

/** What makes a container ours. */
export const LABELS_REQUIRED = [LABELS.scan, LABELS.chunk, LABELS.attempt];
/** In every image of ours, and quick: it ends before the runtime starts. */
const PING_COMMAND = ['node', '--version'];

/** A container as the translation of paths needs it; null where the daemon knows none of that name. */
export async function inspectOwn(client: DockerClient, name: string): Promise<InspectedContainer | null> {
  try {
    const found = await client.call('look at our own container', CALL_TIMEOUT_MS, (docker, abortSignal) =>
      docker.getContainer(name).inspect({ abortSignal }),
    );
    const mounts = found.Mounts.map((mount) => ({
      type: (mount as { Type?: string }).Type ?? 'bind',
      source: mount.Source,
      destination: mount.Destination,
    }));
    return { id: found.Id, running: found.State.Running, mounts };
  } catch (error) {
    if (error instanceof EngineError && error.code !== 'unreachable') return null;
    throw error;
  }
}

/** Asked past dockerode's own `inspect` of an image: that takes no abort signal. */
export function inspectImage(
  docker: Docker,
  image: string,
  abortSignal: AbortSignal,
): Promise<Pick<Docker.ImageInspectInfo, 'Id' | 'Created'>> {
  const statusCodes = { 200: true, 404: 'no such image', 500: 'server error' };
  const request = { path: `/images/${image}/json`, method: 'GET', statusCodes, abortSignal };
  const { modem } = docker as { modem: ImageModem };
  return new Promise((resolve, reject) => {
    modem.dial(request, (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
}

/** What the typings leave open. */
interface ImageModem {
  dial(
    request: object,
    answer: (error: Error | null, found: Pick<Docker.ImageInspectInfo, 'Id' | 'Created'>) => void,
  ): void;
}

/** Runs a command in the container and says whether it ended well. */
export async function runInside(container: Docker.Container, abortSignal: AbortSignal): Promise<boolean> {
  const exec = await container.exec({
    Cmd: PING_COMMAND,
    AttachStdout: true,
    AttachStderr: true,
    abortSignal,
  });
  const stream = await exec.start({ Detach: false, Tty: false, abortSignal });
  const destroy = (): void => void stream.destroy();
  abortSignal.addEventListener('abort', destroy, { once: true });
  try {
    stream.resume();
    await finished(stream, { writable: false });
  } finally {
    abortSignal.removeEventListener('abort', destroy);
  }
  if (abortSignal.aborted) return false;
  const { ExitCode } = await exec.inspect({ abortSignal });
  return ExitCode === 0;
}

export function seenWorker(info: Docker.ContainerInfo): SeenWorker {
  return {
    id: info.Id,
    name: (info.Names[0] ?? '').replace(/^\//, ''),
    scan: info.Labels[LABELS.scan] ?? '',
    chunk: Number(info.Labels[LABELS.chunk]),
    attempt: Number(info.Labels[LABELS.attempt]),
    phase: phaseOf(info.State),
  };
}

function phaseOf(state: string): SeenWorker['phase'] {
  if (state === 'created' || state === 'configured' || state === 'initialized') return 'created';
  return ['running', 'paused', 'restarting', 'stopping'].includes(state) ? 'running' : 'exited';
}
