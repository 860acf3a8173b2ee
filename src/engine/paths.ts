import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { EngineError } from './port.js';

/** A folder of a container and where it comes from on the host. */
export interface HostMount {
  inside: string;
  outside: string;
}

/** What of a container the translation needs; the daemon's answer to inspect. */
export interface InspectedContainer {
  id: string;
  running: boolean;
  mounts: { type: string; source: string; destination: string }[];
}

/** What this process can see of its own surroundings. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  hostname: string;
  mountinfo: string;
  cgroup: string;
  /** `/.dockerenv` or `/run/.containerenv` is there. */
  marked: boolean;
}

export function readSurroundings(env: NodeJS.ProcessEnv = process.env): Surroundings {
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  return {
    env,
    hostname: hostname(),
    mountinfo: read('/proc/self/mountinfo'),
    cgroup: read('/proc/self/cgroup'),
    marked: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
  };
}

/** A name under which the daemon may know our own container. */
interface Candidate {
  name: string;
  /** Read from what only that container sees; the others are mere names that some other container may carry. */
  certain: boolean;
}

/** Files that an engine mounts into each container from the container's own folder. */
const ENGINE_FILES = new Set(['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']);

/** Surest first; empty on a host. */
function ownContainerCandidates(around: Surroundings): Candidate[] {
  const ids: string[] = [];
  for (const line of around.mountinfo.split('\n')) {
    const [, , , root = '', mountPoint = ''] = line.split(' ');
    if (ENGINE_FILES.has(mountPoint)) ids.push(/containers\/([0-9a-f]{64})\//.exec(root)?.[1] ?? '');
  }
  for (const match of around.cgroup.matchAll(/(?:docker|libpod)[-/]([0-9a-f]{64})/g))
    ids.push(match[1] ?? '');
  const names = around.marked ? [around.env['HOST_CONTAINERNAME'] ?? '', around.hostname] : [];
  const certain = [...new Set(ids)].map((name) => ({ name, certain: true }));
  return [...certain, ...names.map((name) => ({ name, certain: false }))].filter(({ name }) => name !== '');
}

/** Whether a container the daemon showed us can be the one we run in: all its folders must be mounted here. */
function isOwnContainer(container: InspectedContainer, around: Surroundings, certain: boolean): boolean {
  if (!container.running) return false;
  if (certain) return true;
  const here = new Set(around.mountinfo.split('\n').map((line) => unescapeMount(line.split(' ')[4] ?? '')));
  return container.mounts.length > 0 && container.mounts.every((mount) => here.has(mount.destination));
}

/**
 * Finds our own container, if we are in one of this daemon's.
 * @param inspect resolves null where the daemon knows no such container
 */
export async function findOwnContainer(
  around: Surroundings,
  inspect: (name: string) => Promise<InspectedContainer | null>,
): Promise<InspectedContainer | null> {
  for (const candidate of ownContainerCandidates(around)) {
    const container = await inspect(candidate.name);
    if (container !== null && isOwnContainer(container, around, candidate.certain)) return container;
  }
  return null;
}

/** Translates paths of this process into paths of the Docker host. */
export class HostPaths {
  readonly #overrides: readonly HostMount[];
  readonly #own: InspectedContainer | null;

  /** @param own null on a host, where both names are the same */
  constructor(overrides: readonly HostMount[], own: InspectedContainer | null) {
    this.#overrides = overrides;
    this.#own = own;
  }

  get insideContainer(): boolean {
    return this.#own !== null;
  }

  /** @throws EngineError `path-untranslatable` with the `-v` to add */
  toHost(path: string): string {
    const override = longest(this.#overrides, path);
    if (override !== null) return rebase(path, override);
    if (this.#own === null) return path;
    const mounts = this.#own.mounts.map((mount) => ({
      inside: mount.destination,
      outside: mount.type === 'tmpfs' ? '' : mount.source,
    }));
    const mount = longest(mounts, path);
    if (mount !== null && mount.outside !== '') return rebase(path, mount);
    throw new EngineError('path-untranslatable', `${path} exists only inside this container`, {
      hint: `Start the container with -v ${path}:${path} (same name on both sides), or say --host-path ${path}=FOLDER_ON_THE_HOST.`,
    });
  }
}

/** The mount that covers the path most closely. */
function longest(mounts: readonly HostMount[], path: string): HostMount | null {
  let best: HostMount | null = null;
  for (const mount of mounts) {
    const covers =
      mount.inside === '/' || path === mount.inside || path.startsWith(`${trimSlash(mount.inside)}/`);
    if (covers && (best === null || mount.inside.length > best.inside.length)) best = mount;
  }
  return best;
}

function rebase(path: string, mount: HostMount): string {
  const rest = mount.inside === '/' ? path : path.slice(trimSlash(mount.inside).length);
  const outside = trimSlash(mount.outside);
  return `${outside}${rest}` || '/';
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path === '/' ? '' : path;
}

/** mountinfo writes space, tab, newline and backslash as octal. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
