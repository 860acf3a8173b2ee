import { availableParallelism, totalmem } from 'node:os';
import type { EngineChoice } from '../engine/choose.js';
import { hidesImage } from '../engine/container-spec.js';
import type { DockerEngine } from '../engine/docker.js';
import { EngineError } from '../engine/port.js';
import { WHAT_FULL_NEEDS, whyNotFull } from '../hash/sampling.js';
import { failed, passed, warned, type Check, type CheckCode } from './check.js';
import type { FairShare, HostCapacity } from './resources.js';

/** CPUs and memory of the machine the workers run on: the engine's, which need not be ours. */
export function capacityOf(choice: EngineChoice): HostCapacity {
  const info = choice.docker?.info ?? null;
  return {
    cpus: info !== null && info.cpus > 0 ? info.cpus : availableParallelism(),
    memoryBytes: info !== null && info.memoryBytes > 0 ? info.memoryBytes : totalmem(),
  };
}

export function checkResources(host: HostCapacity, workers: number, share: FairShare): Check {
  const each = workers === 1 ? 'one worker, up to' : `${workers} workers, each up to`;
  const most = `${each} ${cpuCount(share.cpus)} and ${size(share.memoryBytes)} of memory`;
  const detail = `${most}; the host has ${cpuCount(host.cpus)} and ${size(host.memoryBytes)}`;
  if (share.notes.length === 0) return passed('resources', detail);
  return warned(
    'resources',
    'resources.overcommitted',
    `${share.notes.join('; ')} (${detail})`,
    'Ask for less with --cpus, --memory or --max-containers; without them each worker gets a fair share.',
  );
}

function cpuCount(cpus: number): string {
  return cpus === 1 ? '1 CPU' : `${cpus} CPUs`;
}

/** Whether the engine answers, and which it is. */
export function checkEngine(choice: EngineChoice): Check {
  const { docker, error } = choice;
  if (error !== null) {
    return failed(
      'engine',
      'docker.unreachable',
      `Docker does not answer: ${error.message}`,
      `${error.hint ?? 'Check that Docker runs (docker info) and that its socket is reachable.'} Or scan without it: --engine process.`,
    );
  }
  if (docker === null) return passed('engine', `workers run as processes of this host: ${choice.reason}`);
  const { product, version, apiVersion } = docker.version;
  const where = docker.paths.insideContainer ? ', and the scanner itself runs in one of its containers' : '';
  return passed('engine', `${product} ${version} answers (API ${apiVersion})${where}`);
}

/** Whether workers that are processes of this host can make full checksums: those in containers are probed. */
export function checkFullChecksums(): Check {
  const reason = whyNotFull();
  if (reason === null) return passed('checksums', 'full checksums can be made');
  return failed('checksums', 'container.failed', `full checksums cannot be made: ${reason}`, WHAT_FULL_NEEDS);
}

export async function checkImage(docker: DockerEngine): Promise<Check> {
  try {
    const { id, created } = await docker.inspectImage();
    return passed(
      'image',
      `${docker.image} is there (${id.replace('sha256:', '').slice(0, 12)}, built ${created.slice(0, 10)})`,
    );
  } catch (error) {
    return engineFailure(
      'image',
      error,
      'Build the image; the README has the command under "In Docker, on Unraid".',
    );
  }
}

/** Whether the engine can be told where mount and data directory are. */
export function checkPaths(docker: DockerEngine, mountPath: string, dataDir: string): Check {
  let shown: string[];
  try {
    shown = [mountPath, dataDir].map((path) => {
      const outside = docker.paths.toHost(path);
      return outside === path ? path : `${path} is ${outside} on the host`;
    });
  } catch (error) {
    return engineFailure('paths', error, "Add the missing -v to the scanner's own container.");
  }
  if (!hidesImage(mountPath)) return passed('paths', shown.join('; '));
  return failed(
    'paths',
    'path.untranslatable',
    `${mountPath} would hide the image's own files from a container`,
    'Scan a folder below it, or use --engine process.',
  );
}

/** Containers of scans of this data directory that are dead: they hold memory and names. */
export async function checkLeftovers(
  docker: DockerEngine,
  dataDir: string,
  isAlive: (scan: string) => boolean,
): Promise<Check> {
  try {
    const here = docker.paths.toHost(dataDir);
    const owned = await docker.listOwned();
    const dead = owned.filter((each) => each.dataDir === here && !isAlive(each.scan));
    if (dead.length === 0) return passed('leftovers', 'no containers of dead scans');
    const names = dead.map((each) => each.name).join(', ');
    return warned(
      'leftovers',
      null,
      `${dead.length} containers of dead scans: ${names}`,
      'Remove them: nas-scanner cleanup',
    );
  } catch (error) {
    return engineFailure('leftovers', error, 'Check that Docker runs (docker info).');
  }
}

const CODES: Partial<Record<EngineError['code'], CheckCode>> = {
  unreachable: 'docker.unreachable',
  'image-missing': 'image.missing',
  'path-untranslatable': 'path.untranslatable',
  'disk-full': 'docker.disk-full',
  'start-timeout': 'container.start-timeout',
  'start-failed': 'container.start-failed',
};

/** A check that the engine refused. Anything but an EngineError is a bug and passes on. */
export function engineFailure(check: string, error: unknown, advice: string): Check {
  if (!(error instanceof EngineError)) throw error;
  return failed(check, CODES[error.code] ?? 'container.failed', error.message, error.hint ?? advice);
}

function size(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib >= 1024 ? `${Math.round(mib / 102.4) / 10} GiB` : `${Math.round(mib)} MiB`;
}
