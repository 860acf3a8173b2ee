import type { HostMount } from './paths.js';
import type { Launch } from './port.js';
import { shellWord } from './shell-word.js';

/** Labels by which a container is ours; nothing without all of the first three is ever touched. */
export const LABELS = {
  scan: 'nas-scanner.scan',
  chunk: 'nas-scanner.chunk',
  attempt: 'nas-scanner.attempt',
  /** The data directory, as the host calls it: several installations may share one engine. */
  dataDir: 'nas-scanner.data-dir',
  /** Unraid stops only containers with this label when the array stops. */
  unraid: 'net.unraid.docker.managed',
} as const;

const NAME_PREFIX = 'smart-scan-';

/** A worker is one Node process and its threads, and the `exec` of a health check. */
const PIDS_MAX = 512;
const OPEN_FILES_MAX = 8192;
/** Log kept by the engine until the exit is journaled: two files of this size. */
const LOG_SIZE = '1m';
const LOG_FILES = '2';
/** A worker flushes and seals within 8 s of SIGTERM. */
const STOP_SECONDS = 10;
/** When the host runs out of memory a worker goes before the NAS's own services. */
const OOM_SCORE = 500;
const CPU_SHARES_PER_CPU = 1024;
const CPU_SHARES_MIN = 2;
const NANO = 1e9;
/** Characters of the scan's id in a container's name: its random end. */
const NAME_ID_CHARS = 8;

/** Folders of the image that a mount of the same name would hide; such a mount cannot be scanned in a container. */
const IMAGE_FOLDERS = [
  '/usr',
  '/lib',
  '/lib64',
  '/bin',
  '/sbin',
  '/etc',
  '/opt/nas-scanner',
  '/proc',
  '/sys',
  '/dev',
];

/** What the engine can enforce. */
export interface SpecAbilities {
  /** The kernel has CFS bandwidth control (Synology's often has not). */
  cpuQuota: boolean;
  memoryLimit: boolean;
  pidsLimit: boolean;
  init: boolean;
}

export interface SpecOptions {
  image: string;
  /** Folders on the host for `mountPath` and `writerDir`. */
  mountSource: string;
  writerSource: string;
  dataDirSource: string;
  /** Owner of what the worker writes; null: root, as the container runs. */
  owner: { uid: number; gid: number } | null;
  umask: string | null;
  abilities: SpecAbilities;
}

/** A container to be, in one shape for the API and for the line a person can paste. */
export interface ContainerSpec {
  name: string;
  image: string;
  command: string[];
  labels: Record<string, string>;
  env: string[];
  mounts: (HostMount & { readOnly: boolean })[];
  capabilities: string[];
  cpus: number | null;
  cpuShares: number | null;
  memoryBytes: number | null;
  pidsLimit: number | null;
  init: boolean;
}

/** Whether a mount at this path would hide from a container what its image itself needs. */
export function hidesImage(path: string): boolean {
  if (path === '/') return true;
  return IMAGE_FOLDERS.some(
    (folder) => folder === path || folder.startsWith(`${path}/`) || under(path, ['/proc', '/sys', '/dev']),
  );
}

function under(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

/** `smart-scan-4f7q2z9k-0003-1`; a probe (chunk 0) is called so. */
function containerName(launch: Launch): string {
  const id = launch.scan.slice(-NAME_ID_CHARS).toLowerCase();
  const what = launch.chunk === 0 ? 'probe' : String(launch.chunk).padStart(4, '0');
  return `${NAME_PREFIX}${id}-${what}-${launch.attempt}`;
}

export function containerSpec(launch: Launch, options: SpecOptions): ContainerSpec {
  const { abilities, owner } = options;
  const { cpus, memoryBytes } = launch.limits;
  const env = ['NAS_SCANNER_WORKER=container'];
  if (owner !== null) env.push(`PUID=${owner.uid}`, `PGID=${owner.gid}`);
  if (options.umask !== null) env.push(`UMASK=${options.umask}`);
  return {
    name: containerName(launch),
    image: options.image,
    command: [launch.chunk === 0 ? 'probe' : 'worker', '--task', launch.taskFile],
    labels: {
      [LABELS.scan]: launch.scan,
      [LABELS.chunk]: String(launch.chunk),
      [LABELS.attempt]: String(launch.attempt),
      [LABELS.dataDir]: options.dataDirSource,
      [LABELS.unraid]: 'nas-scanner',
    },
    env,
    mounts: [
      { inside: launch.mountPath, outside: options.mountSource, readOnly: true },
      { inside: launch.writerDir, outside: options.writerSource, readOnly: false },
    ],
    // To read every file; and to write into a folder that is not root's and hand over what was written.
    capabilities: ['DAC_READ_SEARCH', ...(owner === null ? [] : ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'])],
    cpus: abilities.cpuQuota ? cpus : null,
    cpuShares: abilities.cpuQuota || cpus === null ? null : shares(cpus),
    memoryBytes: abilities.memoryLimit ? memoryBytes : null,
    pidsLimit: abilities.pidsLimit ? PIDS_MAX : null,
    init: abilities.init,
  };
}

function shares(cpus: number): number {
  return Math.max(CPU_SHARES_MIN, Math.round(cpus * CPU_SHARES_PER_CPU));
}

/** The body of the API's create call. `Mounts`, not `Binds`: a colon in a path breaks those. Never `AutoRemove`. */
export function createBody(spec: ContainerSpec): Record<string, unknown> & { name: string } {
  return {
    name: spec.name,
    Image: spec.image,
    Cmd: spec.command,
    Labels: spec.labels,
    Env: spec.env,
    StopTimeout: STOP_SECONDS,
    // The supervisor looks after workers; the image's own check is for the coordinator.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Mounts: spec.mounts.map(({ inside, outside, readOnly }) => ({
        Type: 'bind',
        Source: outside,
        Target: inside,
        ReadOnly: readOnly,
      })),
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: spec.capabilities,
      SecurityOpt: ['no-new-privileges'],
      Ulimits: [{ Name: 'nofile', Soft: OPEN_FILES_MAX, Hard: OPEN_FILES_MAX }],
      OomScoreAdj: OOM_SCORE,
      LogConfig: { Type: 'json-file', Config: { 'max-size': LOG_SIZE, 'max-file': LOG_FILES } },
      AutoRemove: false,
      RestartPolicy: { Name: 'no' },
      ...(spec.init ? { Init: true } : {}),
      ...(spec.pidsLimit === null ? {} : { PidsLimit: spec.pidsLimit }),
      ...(spec.cpus === null ? {} : { NanoCpus: Math.round(spec.cpus * NANO) }),
      ...(spec.cpuShares === null ? {} : { CpuShares: spec.cpuShares }),
      // As much swap as memory in all, that is none: a swapping worker would only look alive.
      ...(spec.memoryBytes === null ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
    },
  };
}

/** The `docker run` line that does the same. */
export function runLine(spec: ContainerSpec): string {
  const words = [
    'docker',
    'run',
    '--detach',
    '--name',
    spec.name,
    '--network',
    'none',
    '--read-only',
    '--no-healthcheck',
  ];
  words.push('--cap-drop', 'ALL');
  for (const capability of spec.capabilities) words.push('--cap-add', capability);
  words.push('--security-opt', 'no-new-privileges', '--ulimit', `nofile=${OPEN_FILES_MAX}:${OPEN_FILES_MAX}`);
  words.push('--oom-score-adj', String(OOM_SCORE), '--stop-timeout', String(STOP_SECONDS));
  words.push(
    '--log-driver',
    'json-file',
    '--log-opt',
    `max-size=${LOG_SIZE}`,
    '--log-opt',
    `max-file=${LOG_FILES}`,
  );
  if (spec.init) words.push('--init');
  if (spec.pidsLimit !== null) words.push('--pids-limit', String(spec.pidsLimit));
  if (spec.cpus !== null) words.push('--cpus', String(spec.cpus));
  if (spec.cpuShares !== null) words.push('--cpu-shares', String(spec.cpuShares));
  if (spec.memoryBytes !== null)
    words.push('--memory', String(spec.memoryBytes), '--memory-swap', String(spec.memoryBytes));
  for (const [key, value] of Object.entries(spec.labels)) words.push('--label', `${key}=${value}`);
  for (const pair of spec.env) words.push('--env', pair);
  for (const mount of spec.mounts) words.push('--mount', mountWord(mount));
  return [...words, spec.image, ...spec.command].map(shellWord).join(' ');
}

/** `--mount` takes one line of CSV. */
function mountWord(mount: HostMount & { readOnly: boolean }): string {
  const fields = ['type=bind', `source=${mount.outside}`, `target=${mount.inside}`];
  if (mount.readOnly) fields.push('readonly');
  return fields
    .map((field) => (/[",\n\r]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}
