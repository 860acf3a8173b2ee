import type { EventData, PathText } from '../../journal/events/index.js';
import { pathBytes } from '../../journal/path-text.js';
import { WORKER_IMAGE } from '../worker-image.js';

/** Quotes a word for a POSIX shell where it needs it; names that are not plain text as `$'…'`. */
function shellWord(word: PathText): string {
  if (typeof word === 'string' && /^[\w./:=@%+,-]+$/.test(word)) return word;
  // eslint-disable-next-line no-control-regex -- a control character must not reach a terminal as itself
  if (typeof word === 'string' && !/[\u0000-\u001f\u007f-\u009f]/.test(word))
    return `'${word.replaceAll("'", `'\\''`)}'`;
  let text = '';
  for (const byte of pathBytes(word)) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `$'${text}'`;
}

/** Journaled options and the flags that ask for the same again. */
const VALUE_FLAGS: readonly [name: string, flag: string, usual: unknown, unit: number][] = [
  ['engine', '--engine', 'auto', 0],
  ['image', '--image', WORKER_IMAGE, 0],
  ['checksum', '--checksum', 'sampled', 0],
  ['maxContainers', '--max-containers', 8, 1],
  ['workers', '--workers', null, 1],
  ['cpus', '--cpus', null, 1],
  ['memoryBytes', '--memory', null, 1],
  ['ioTimeoutMs', '--io-timeout', 60_000, 1000],
  ['analysisTimeoutMs', '--analysis-timeout', 1_800_000, 1000],
  ['startTimeoutMs', '--start-timeout', 30_000, 1000],
  ['stallTimeoutMs', '--stall-timeout', 3_600_000, 1000],
  ['stallAction', '--stall-action', 'warn', 0],
  ['healthIntervalMs', '--health-interval', 300_000, 1000],
  ['fullDiskWaitMs', '--full-disk-wait', 600_000, 1000],
  ['engineWaitMs', '--engine-wait', 3_600_000, 1000],
  ['retries', '--retries', 2, 1],
  ['chunkBytes', '--chunk-size', 100 * 1024 ** 3, 1024 ** 3],
];

/** As few digits as say it: `--chunk-size 0.0001` is not read as bytes that make 0.00009999982999999. */
function inUnits(value: number, unit: number): string {
  for (let digits = 1; Number.isInteger(value) && digits < 17; digits += 1) {
    const short = Number((value / unit).toPrecision(digits));
    if (Math.round(short * unit) === value) return String(short);
  }
  return String(value / unit);
}

/** Makes the commands that advice is given with. */
export class Commands {
  readonly #dataDir: string | null;
  readonly #isUsual: boolean;
  readonly #started: EventData<'scan.started'> | null;
  readonly #redacted: boolean;

  /**
   * @param dataDir null: not known
   * @param isUsual whether our own commands find it without being told; they have to be told where it is left away
   */
  constructor(options: {
    dataDir: string | null;
    isUsual?: boolean;
    started: EventData<'scan.started'> | null;
    redacted: boolean;
  }) {
    this.#dataDir = options.dataDir;
    this.#isUsual = options.isUsual ?? false;
    this.#started = options.started;
    this.#redacted = options.redacted;
  }

  get mount(): string {
    return this.#started === null ? 'PATH' : this.path(this.#started.mountPath);
  }

  path(path: PathText): string {
    return this.#redacted ? 'PATH' : shellWord(path);
  }

  get dataDir(): string {
    return this.#redacted || this.#dataDir === null ? 'DATA_DIR' : shellWord(this.#dataDir);
  }

  get image(): string {
    const image = this.#started?.options['image'];
    return typeof image === 'string' ? shellWord(image) : WORKER_IMAGE;
  }

  /** Makes the worker image, in the folder of a checkout that is built. */
  get build(): string {
    return `docker build -t ${this.image} .`;
  }

  /** One of our own commands on the same data directory. */
  own(command: string): string {
    const words = [`nas-scanner ${command}`];
    if (this.#dataDir !== null && !this.#isUsual) words.push(`--data-dir ${this.dataDir}`);
    const dbName = this.option('dbName');
    if (typeof dbName === 'string') words.push(`--db-name ${this.#redacted ? 'FILE' : shellWord(dbName)}`);
    return words.join(' ');
  }

  /** The scan again, with the options it had but for those given here (flag → value, null: without it). */
  scan(changes: Record<string, string | null> = {}): string {
    const name = this.#redacted || this.#started === null ? 'NAME' : shellWord(this.#started.mountName);
    const words = [this.own(`scan ${this.mount} ${name}`)];
    for (const [flag, value] of Object.entries({ ...this.#flags(), ...changes })) {
      if (value !== null) words.push(value === '' ? flag : `${flag} ${value}`);
    }
    if (this.#redacted) return words.join(' ');
    const hostPaths = '--host-path' in changes ? [] : this.#hostPaths();
    return [...words, ...this.#repeated('exclude', '--exclude'), ...hostPaths].join(' ');
  }

  /** An option as it was given, in the unit of its flag; null where it was not. */
  option(name: string): unknown {
    return this.#started?.options[name] ?? null;
  }

  #flags(): Record<string, string> {
    const flags: Record<string, string> = {};
    const options = this.#started?.options ?? {};
    for (const [name, flag, usual, unit] of VALUE_FLAGS) {
      const value = options[name];
      if (value === undefined || value === null || value === usual) continue;
      if (typeof value === 'number' && unit > 0) flags[flag] = inUnits(value, unit);
      else if (typeof value === 'string') flags[flag] = shellWord(value);
    }
    if (options['fastStart'] === true) flags['--fast-start'] = '';
    if (options['oneFileSystem'] === true) flags['--one-file-system'] = '';
    if (options['nice'] === false) flags['--no-nice'] = '';
    return flags;
  }

  #hostPaths(): string[] {
    const pairs = this.option('hostPaths');
    if (!Array.isArray(pairs)) return [];
    return (pairs as Partial<Record<'inside' | 'outside', unknown>>[])
      .filter(({ inside, outside }) => typeof inside === 'string' && typeof outside === 'string')
      .map(({ inside, outside }) => `--host-path ${shellWord(`${String(inside)}=${String(outside)}`)}`);
  }

  #repeated(name: string, flag: string): string[] {
    const values = this.#started?.options[name];
    if (!Array.isArray(values)) return [];
    return values.filter((value) => typeof value === 'string').map((value) => `${flag} ${shellWord(value)}`);
  }
}
