import { spawn } from 'node:child_process';
import { childEnvironment } from '../child-environment.js';
import { errnoName } from '../../journal/storage.js';
import { MOUNT_TROUBLE_CODES } from '../walk/system-error.js';

/** What a look at a mount found. */
export type MountState = 'ok' | 'missing' | 'not-directory' | 'denied' | 'stale' | 'hung' | 'failed';

export interface MountProbe {
  state: MountState;
  /** Whether its first entry could be read; null where it could not be listed. */
  empty: boolean | null;
  /** statfs type, hexadecimal, or null. */
  fsType: string | null;
  /** errno name, or null. */
  code: string | null;
  /** Name of one entry, base64 of its bytes: whoever looks at the same directory must see it too. */
  sample: string | null;
  /** `st_dev`, decimal: another one there later is another mount. */
  device: string | null;
  /** Where the path leads when every symbolic link in it is followed. */
  realPath: string | null;
}

/** What is found out about a path; `code`: errno name of what kept it from that. */
interface Answer {
  code?: string;
  directory?: boolean;
  empty?: boolean;
  fsType?: string;
  sample?: string;
  device?: string;
  realPath?: string;
}

/**
 * Runs in a process of its own: a call into a dead mount may never return, not even for SIGKILL, and would
 * take one of our own threads with it.
 */
const PROBE_SCRIPT = `
const fs = require('node:fs');
const path = process.argv[1];
const answer = {};
try {
  const stat = fs.statSync(path, { bigint: true });
  answer.directory = stat.isDirectory();
  answer.device = String(stat.dev);
  answer.realPath = fs.realpathSync(path);
  if (answer.directory) {
    const dir = fs.opendirSync(path, { encoding: 'buffer' });
    const entry = dir.readSync();
    dir.closeSync();
    answer.empty = entry === null;
    if (entry !== null) answer.sample = entry.name.toString('base64');
    answer.fsType = fs.statfsSync(path).type.toString(16);
  }
} catch (error) {
  answer.error = { code: error.code, errno: error.errno };
}
process.stdout.write(JSON.stringify(answer));
`;

const ANSWER_BYTES_MAX = 64 * 1024;

/** Probes that never came back, by path: one stuck process per path is enough. */
const stuck = new Map<string, { exited: boolean }>();

const HUNG: MountProbe = {
  state: 'hung',
  empty: null,
  fsType: null,
  code: 'ETIMEDOUT',
  sample: null,
  device: null,
  realPath: null,
};

/**
 * Looks whether a directory is there, can be listed and answers within the time. Never rejects, never hangs.
 * @param signal its abort ends the look as the end of the time does
 */
export async function probeMount(path: string, timeoutMs: number, signal?: AbortSignal): Promise<MountProbe> {
  if (stuck.get(path)?.exited === false) return HUNG;
  stuck.delete(path);
  return judge(await ask(path, timeoutMs, signal));
}

/** As old as this, an answer still says how things are. */
const FRESH_MS = 5_000;

/** A look that is begun before anybody wants its answer: a process takes a while to start. */
export class MountLook {
  readonly #path: string;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #first: Promise<MountProbe>;
  #answeredAtMs = Infinity;

  constructor(path: string, timeoutMs: number, now: () => number = () => performance.now()) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    this.#first = this.#look();
  }

  /** What it found, or what another look finds where that is old by now. As `probeMount` otherwise. */
  async answer(signal: AbortSignal): Promise<MountProbe> {
    const end = (): void => {
      this.end();
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await (this.#now() - this.#answeredAtMs > FRESH_MS ? this.#look() : this.#first);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  /** Nobody waits for it any more. */
  end(): void {
    this.#stop.abort();
  }

  async #look(): Promise<MountProbe> {
    const found = await probeMount(this.#path, this.#timeoutMs, this.#stop.signal);
    this.#answeredAtMs = this.#now();
    return found;
  }
}

/** Whether the mount is there now. */
export async function mountAccessible(path: string, timeoutMs: number): Promise<boolean> {
  return (await probeMount(path, timeoutMs)).state === 'ok';
}

/** Null: no answer in time. */
async function ask(path: string, timeoutMs: number, signal?: AbortSignal): Promise<Answer | null> {
  if (signal?.aborted === true) return null;
  const child = spawn(process.execPath, ['-e', PROBE_SCRIPT, path], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: childEnvironment({ NODE_OPTIONS: '' }),
  });
  const life = { exited: false };
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    if (text.length < ANSWER_BYTES_MAX) text += chunk;
  });
  return new Promise((resolve) => {
    const leave = (): void => {
      stuck.set(path, life);
      child.kill('SIGKILL');
      // Left behind: it may stay in the kernel for as long as the mount is dead.
      child.stdout.destroy();
      child.unref();
      resolve(null);
    };
    const timer = setTimeout(leave, timeoutMs);
    signal?.addEventListener('abort', leave, { once: true });
    const end = (answer: Answer): void => {
      life.exited = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      resolve(answer);
    };
    child.once('error', (error) => end({ code: errnoName(error) }));
    child.once('exit', () => (life.exited = true));
    child.once('close', () => end(parse(text)));
  });
}

function parse(text: string): Answer {
  try {
    const { error, ...answer } = JSON.parse(text) as Answer & { error?: { code?: string; errno?: number } };
    return error === undefined ? answer : { ...answer, code: errnoName(Object.assign(new Error(), error)) };
  } catch {
    return { code: 'UNKNOWN' }; // it was killed before it could say anything
  }
}

function judge(answer: Answer | null): MountProbe {
  if (answer === null) return HUNG;
  const { code = null, empty = null, fsType = null, sample = null, device = null, realPath = null } = answer;
  const state = code !== null ? stateOf(code) : answer.directory === true ? 'ok' : 'not-directory';
  return { state, empty, fsType, code, sample, device, realPath };
}

function stateOf(code: string): MountState {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
  if (code === 'EACCES' || code === 'EPERM') return 'denied';
  return MOUNT_TROUBLE_CODES.has(code) ? 'stale' : 'failed';
}
