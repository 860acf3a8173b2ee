import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventData, ListedDirectory, PathText } from '../../journal/events/index.js';
import { decodeLine } from '../../journal/record.js';
import type { WorkerTask } from '../../src/worker/task.js';
import { ENTRY } from './cli.js';
import { scratchFolder } from './scratch.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const WRITER = 'worker-0001';
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** A worker's folder of its own, with the tree it walks; `remove` it. */
export class WorkerPlace {
  readonly root = scratchFolder('worker');
  readonly tree = join(this.root, 'tree');
  readonly journalDir = join(this.root, 'journal');
  readonly folder = join(this.journalDir, SCAN, WRITER);

  task(changes: Partial<WorkerTask> = {}): WorkerTask {
    return {
      scan: SCAN,
      writer: WRITER,
      chunk: 1,
      attempt: 1,
      roots: [{ path: this.tree, scope: 'subtree' }],
      mountPath: this.tree,
      again: [],
      mountDevice: null,
      hostname: 'test',
      coordinator: { epoch: 1, seq: 1, crc: '00000000' },
      previous: null,
      epoch: 1,
      checksum: 'none',
      exclude: [],
      excludeDirectories: [],
      oneFileSystem: false,
      directoriesAtOnceMax: null,
      ioTimeoutMs: 60_000,
      fullDiskWaitMs: 1000,
      segmentBytesMax: 64 * 1024 * 1024,
      nice: false,
      ...changes,
    };
  }

  #write(changes: Partial<WorkerTask>): string[] {
    mkdirSync(this.folder, { recursive: true });
    const file = join(this.folder, 'task.json');
    writeFileSync(file, JSON.stringify(this.task(changes)));
    return [ENTRY, 'worker', '--task', file];
  }

  /** Runs a worker to its end. */
  run(
    changes: Partial<WorkerTask> = {},
    user: { uid?: number; gid?: number } = {},
  ): { code: number | null; output: string } {
    const done = spawnSync(process.execPath, this.#write(changes), { encoding: 'utf8', ...user });
    return { code: done.status, output: done.stdout + done.stderr };
  }

  /** The same under a program that gets the worker's command line behind its own words, such as strace. */
  runUnder(
    words: readonly [string, ...string[]],
    changes: Partial<WorkerTask> = {},
  ): { code: number | null } {
    const [program, ...own] = words;
    const command = [...own, process.execPath, ...this.#write(changes)];
    return { code: spawnSync(program, command, { stdio: 'ignore' }).status };
  }

  /** @param detached in a session of its own, as the engine starts it; `uid`: everything here is theirs from now on */
  start(
    changes: Partial<WorkerTask> = {},
    { env = {}, ...more }: { env?: Record<string, string>; detached?: boolean; uid?: number } = {},
  ): ChildProcess {
    const command = this.#write(changes);
    if (more.uid !== undefined) spawnSync('chown', ['-R', String(more.uid), this.root]);
    return spawn(process.execPath, command, {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
      ...more,
    });
  }

  recorded(epoch?: number): Recorded {
    return new Recorded(this.folder, epoch);
  }

  remove(): void {
    // Paths may be longer than Node can remove.
    spawnSync('rm', ['-rf', this.root]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A path's bytes, as a text that can be compared and printed. */
export function bytesKey(path: PathText): string {
  return typeof path === 'string'
    ? Buffer.from(path, 'utf8').toString('latin1')
    : Buffer.from(path.b64, 'base64').toString('latin1');
}

interface Event {
  type: string;
  data: unknown;
}

/** What a worker's segments hold. */
export class Recorded {
  readonly events: Event[] = [];
  /** Record sizes in bytes. */
  readonly sizes: number[] = [];
  /** `size mtimeNs path`, sorted. */
  readonly files: string[] = [];
  /** `device inode links path` and `allocated bytes path` of the few files that have such facts, sorted. */
  readonly facts: string[] = [];
  /** By path: all parts put together. */
  readonly directories = new Map<string, ListedDirectory>();

  /** @param folder a writer's; without one it starts empty, see `batch` */
  constructor(folder?: string, epoch?: number) {
    if (folder === undefined) return;
    const prefix = epoch === undefined ? '' : String(epoch).padStart(4, '0');
    const segments = readdirSync(folder).filter(
      (name) => name.endsWith('.ndjson') && name.startsWith(prefix),
    );
    for (const segment of segments.sort()) this.#read(readFileSync(join(folder, segment)));
    this.files.sort();
    this.facts.sort();
  }

  #read(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(10, from);
      const decoded = decodeLine(bytes.subarray(from, end));
      if (!decoded.ok) throw new Error(`a bad record: ${decoded.fault}`);
      const event = { type: decoded.record.type, data: decoded.record.json() };
      this.events.push(event);
      this.sizes.push(end + 1 - from);
      if (event.type === 'files.batch') this.batch(event.data as EventData<'files.batch'>);
      from = end + 1;
    }
  }

  batch({ directories }: EventData<'files.batch'>): void {
    for (const directory of directories) {
      const key = bytesKey(directory.path);
      for (const [name, size, mtimeNs] of directory.rows) {
        this.files.push(`${String(size)} ${String(mtimeNs)} ${key}/${bytesKey(name as PathText)}`);
      }
      const pathOf = (row: number): string => `${key}/${bytesKey(directory.rows[row]?.[0] as PathText)}`;
      for (const [row, ...link] of directory.links ?? []) this.facts.push(`${link.join(' ')} ${pathOf(row)}`);
      for (const [row, bytes] of directory.allocated ?? []) {
        this.facts.push(`allocated ${bytes} ${pathOf(row)}`);
      }
      const before = this.directories.get(key);
      const rows = [...(before?.rows ?? []), ...directory.rows];
      const problems = [...(before?.problems ?? []), ...directory.problems];
      this.directories.set(key, { ...directory, rows, problems });
    }
  }

  only(type: string): unknown {
    const found = this.events.filter((event) => event.type === type);
    if (found.length !== 1) throw new Error(`${found.length} events ${type}`);
    return found[0]?.data;
  }

  /** Problems as `path/name operation code`, sorted; paths relative to `root`. */
  problems(root: string): string[] {
    return [...this.directories]
      .flatMap(([path, { problems }]) =>
        problems.map(
          ({ name, operation, code }) => `${path.slice(root.length)}/${bytesKey(name)} ${operation} ${code}`,
        ),
      )
      .sort();
  }
}

/** What `find` sees, in the form of Recorded: files, and how many directories and other entries. */
export function seenByFind(
  root: string,
  ...conditions: string[]
): { files: string[]; directories: string[]; others: number } {
  const args = [root, ...conditions, '-printf', '%y %s %T@ %p\\0'];
  const out = spawnSync('find', args, { maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, LC_ALL: 'C' } });
  const files: string[] = [];
  const directories: string[] = [];
  let others = 0;
  for (const entry of out.stdout.toString('latin1').split('\0').slice(0, -1)) {
    const [, type, size = '', seconds = '', path = ''] = /^(.) (\d+) (\S+) ([^]*)$/.exec(entry) ?? [];
    if (type === 'f') files.push(`${size} ${nanoseconds(seconds)} ${path}`);
    else if (type === 'd') directories.push(path);
    else others += 1;
  }
  return { files: files.sort(), directories: directories.sort(), others };
}

/** What `find` sees of hard links and holes, in the form of Recorded. */
export function factsByFind(root: string): string[] {
  const print = (format: string, ...conditions: string[]): string[] => {
    const args = [root, '-type', 'f', ...conditions, '-printf', `${format}\\0`];
    const out = spawnSync('find', args, {
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { ...process.env, LC_ALL: 'C' },
    });
    return out.stdout.toString('latin1').split('\0').slice(0, -1);
  };
  const sparse = print('%s %b %p').flatMap((line) => {
    const [, size = '', blocks = '', path = ''] = /^(\d+) (\d+) ([^]*)$/.exec(line) ?? [];
    const allocated = BigInt(blocks) * 512n;
    return allocated < BigInt(size) ? [`allocated ${allocated} ${path}`] : [];
  });
  return [...print('%D %i %n %p', '-links', '+1'), ...sparse].sort();
}

/** `find` writes seconds with ten digits of fraction. */
function nanoseconds(seconds: string): string {
  const [whole = '', fraction = ''] = seconds.split('.');
  // The sign belongs to the whole seconds alone: find writes what the kernel has, and a fraction counts upwards.
  return String(BigInt(whole) * 1_000_000_000n + BigInt(fraction.slice(0, 9)));
}

/** What stands in only one of two lists (or more often in one), cut short for messages; `-` missing, `+` too much. */
export function difference(found: readonly string[], expected: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) - 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .map(([text, count]) => `${count > 0 ? '+' : '-'} ${text.slice(0, 150)}…${text.slice(-40)}`)
    .slice(0, 20);
}
