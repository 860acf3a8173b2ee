import { isUtf8 } from 'node:buffer';
import { readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../projections/text.js';
import { WORKER_IMAGE } from '../projections/worker-image.js';
import { WalkError } from '../src/walk/errors.js';
import { compileExcludes } from '../src/walk/exclude.js';
import { splitGlobs } from '../src/walk/glob.js';
import type { ScanOptions } from './command-options.js';
import { usageError } from './errors.js';
import { asGiven, repeated, settableOption as option } from './settable-option.js';
import { cutMiddle } from './columns.js';

const GIB = 1024 ** 3;
/** Of a glob in a message: all of any that was typed by hand. */
const GLOB_SHOWN_CHARS = 200;
/** No engine takes a lower limit. */
const MEMORY_MIN = 6 * 1024 ** 2;
const SIZE_UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: GIB, t: 1024 ** 4 };

/** What commander hands over: text as it was typed. */
interface RawScanOptions {
  dataDir?: string;
  dbName?: string;
  json: boolean;
  quiet: boolean;
  engine: ScanOptions['engine'];
  fastStart?: boolean;
  chunkSize: string;
  maxContainers: string;
  workers?: string;
  cpus?: string;
  memory?: string;
  image: string;
  analysisTimeout: string;
  ioTimeout: string;
  startTimeout: string;
  healthInterval: string;
  stallTimeout: string;
  stallAction: ScanOptions['stallAction'];
  fullDiskWait: string;
  engineWait: string;
  retries: string;
  checksum: ScanOptions['checksum'];
  exclude?: string[];
  oneFileSystem?: boolean;
  hostPath?: string[];
  resume?: boolean;
  fresh?: boolean;
  nice: boolean;
}

/** @param given the option and its text, for the message */
function number(given: string, text: string, limits: { min: number; max?: number; whole?: boolean }): number {
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  const max = limits.max ?? Number.MAX_SAFE_INTEGER;
  if (!(value >= limits.min && value <= max) || (limits.whole === true && !Number.isInteger(value))) {
    const kind = limits.whole === true ? 'a whole number' : 'a number';
    const range = limits.max === undefined ? `of ${limits.min} or more` : `from ${limits.min} to ${max}`;
    throw usageError(`${given} makes no sense: it takes ${kind} ${range}`);
  }
  return value;
}

const SECONDS_MAX = 30 * 24 * 3600;
/** `512m`, `2g`, `1.5GiB`, or bytes. */
function parseSize(given: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match === null ? 0 : Number(match[1]) * (SIZE_UNITS[(match[2] ?? '').toLowerCase()] ?? 0);
  if (bytes < MEMORY_MIN || bytes > Number.MAX_SAFE_INTEGER) {
    throw usageError(`${given} makes no sense: it takes a size of 6m or more, such as 512m or 2g`);
  }
  return Math.floor(bytes);
}

function hostPath(given: string, text: string): { inside: string; outside: string } {
  const at = text.indexOf('=');
  const inside = text.slice(0, at);
  const outside = text.slice(at + 1);
  if (at < 1 || !inside.startsWith('/') || !outside.startsWith('/')) {
    throw usageError(`${given} makes no sense: it takes INSIDE=OUTSIDE, both absolute`);
  }
  return { inside, outside };
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Adds the options of `scan` and `preflight`; each can also be set as NAS_SCANNER_<OPTION>. */
export function withScanOptions(command: Command): Command {
  const all = [
    option('--engine <engine>', 'how workers run', 'auto').choices(['auto', 'docker', 'process']),
    option('--fast-start', 'plan from the top-level listing alone'),
    option('--chunk-size <GB>', 'split directories above this', '100'),
    option('--max-containers <n>', 'workers at once, of either engine', '8'),
    option('--workers <n>', 'directories at once inside one worker (default: measured)'),
    option('--cpus <n>', 'CPUs of one worker (default: a fair share)'),
    option('--memory <size>', 'memory of one worker, such as 512m (default: a fair share)'),
    option('--image <name>', 'image of the worker containers', WORKER_IMAGE),
    option('--analysis-timeout <seconds>', 'for measuring one top-level directory', '1800'),
    option('--io-timeout <seconds>', 'for one file-system operation', '60'),
    option('--start-timeout <seconds>', 'for the start of one worker', '30'),
    option('--health-interval <seconds>', 'between two health checks of a worker', '300'),
    option('--stall-timeout <seconds>', 'without progress, then a worker has stalled', '3600'),
    option('--stall-action <action>', 'what is done about a worker that stalls', 'warn').choices([
      'warn',
      'restart',
    ]),
    option('--full-disk-wait <seconds>', 'how long a full disk pauses the scan', '600'),
    option('--engine-wait <seconds>', 'how long an engine that went away is waited for', '3600'),
    option('--retries <n>', 'more attempts at a chunk that failed', '2'),
    option('--checksum <mode>', 'checksums of file contents', 'sampled').choices(['none', 'sampled', 'full']),
    option('--exclude <glob>', 'leave out what it matches; repeatable').argParser(collect),
    option('--one-file-system', 'do not cross mount points'),
    option('--host-path <inside=outside>', "a path's name on the Docker host; repeatable").argParser(collect),
    option('--resume', 'go on with the unfinished scan of this mount'),
    option('--fresh', 'begin a new scan even if one is unfinished'),
    option('--no-nice', 'do not lower the priority of workers'),
  ];
  for (const each of all) command.addOption(each);
  return command;
}

/** Of the two what was typed wins over the environment, as everywhere. */
function resumeOf(command: Command, raw: RawScanOptions): ScanOptions['resume'] {
  if (raw.resume !== true) return raw.fresh === true ? 'fresh' : 'auto';
  if (raw.fresh !== true) return 'resume';
  const [resume, fresh] = [command.getOptionValueSource('resume'), command.getOptionValueSource('fresh')];
  if (resume === fresh) throw usageError('--resume and --fresh exclude each other');
  return resume === 'cli' ? 'resume' : 'fresh';
}

/** @throws CommandError with exit code 2 for the first glob that means nothing */
function checkGlobs(command: Command, mountPath: string, globs: readonly string[]): void {
  for (const each of [...globs.map((glob) => [glob]), globs]) {
    try {
      compileExcludes(mountPath, each, []);
    } catch (error) {
      if (!(error instanceof WalkError)) throw error;
      throw usageError(
        `${asGiven(command, '--exclude', cutMiddle(each.join(' '), GLOB_SHOWN_CHARS))} makes no sense: ${error.message}`,
      );
    }
  }
}

/** What Node puts in place of bytes that are not UTF-8, in an argument and in the name of the working directory. */
const REPLACEMENT = '\ufffd';

/** A path whose bytes Node could not take over names another folder, or none. */
function refuseLossy(mountPath: string): void {
  if (!mountPath.includes(REPLACEMENT)) return;
  const given = [readFileSync('/proc/self/cmdline'), readlinkSync('/proc/self/cwd', 'buffer')];
  if (given.every((bytes) => isUtf8(bytes))) return;
  throw usageError(
    `PATH ${printable(mountPath)} is not valid UTF-8: it cannot be given on the command line`,
    'scan the folder above it, whose names may hold any byte; or give it a plain name: mkdir /mnt/plain; mount --bind PATH /mnt/plain',
  );
}

/** Checks what was typed. @throws CommandError with exit code 2 and what to type instead */
export function scanOptionsFrom(command: Command, path: string, name: string): ScanOptions {
  const raw = command.opts<RawScanOptions>();
  const resume = resumeOf(command, raw);
  if (path === '') throw usageError('PATH must not be empty');
  if (command.name() === 'scan' && name.trim() === '') throw usageError('NAME must not be empty');
  if (name !== printable(name)) throw usageError('NAME must not contain control characters');
  const given = (flag: string, text: string): string => asGiven(command, flag, text);
  const counted = (flag: string, text: string, min: number): number =>
    number(given(flag, text), text, { min, max: 10_000, whole: true });
  const milliseconds = (flag: string, text: string, min: number): number =>
    number(given(flag, text), text, { min, max: SECONDS_MAX }) * 1000;
  const mountPath = resolve(path);
  refuseLossy(mountPath);
  const exclude = repeated(raw.exclude, command.getOptionValueSource('exclude'), splitGlobs);
  checkGlobs(command, mountPath, exclude);
  const hostPaths = repeated(raw.hostPath, command.getOptionValueSource('hostPath'), (list) =>
    list.split(','),
  );
  return {
    ...(raw.dataDir === undefined ? {} : { dataDir: raw.dataDir }),
    ...(raw.dbName === undefined ? {} : { dbName: raw.dbName }),
    json: raw.json,
    quiet: raw.quiet,
    mountPath,
    mountName: name,
    engine: raw.engine,
    fastStart: raw.fastStart === true,
    chunkBytes: Math.round(
      number(given('--chunk-size', raw.chunkSize), raw.chunkSize, { min: 0.000001, max: 1_000_000 }) * GIB,
    ),
    maxContainers: counted('--max-containers', raw.maxContainers, 1),
    workers: raw.workers === undefined ? null : counted('--workers', raw.workers, 1),
    cpus:
      raw.cpus === undefined
        ? null
        : number(given('--cpus', raw.cpus), raw.cpus, { min: 0.01, max: 100_000 }),
    memoryBytes: raw.memory === undefined ? null : parseSize(given('--memory', raw.memory), raw.memory),
    image: raw.image,
    analysisTimeoutMs: milliseconds('--analysis-timeout', raw.analysisTimeout, 0.001),
    ioTimeoutMs: milliseconds('--io-timeout', raw.ioTimeout, 0.001),
    startTimeoutMs: milliseconds('--start-timeout', raw.startTimeout, 0.001),
    healthIntervalMs: milliseconds('--health-interval', raw.healthInterval, 0.001),
    stallTimeoutMs: milliseconds('--stall-timeout', raw.stallTimeout, 0.001),
    stallAction: raw.stallAction,
    fullDiskWaitMs: milliseconds('--full-disk-wait', raw.fullDiskWait, 0),
    engineWaitMs: milliseconds('--engine-wait', raw.engineWait, 0),
    retries: counted('--retries', raw.retries, 0),
    checksum: raw.checksum,
    exclude,
    oneFileSystem: raw.oneFileSystem === true,
    hostPaths: hostPaths.map((text) => hostPath(given('--host-path', text), text)),
    resume,
    nice: raw.nice,
  };
}
