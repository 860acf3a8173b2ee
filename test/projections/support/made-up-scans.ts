import { ulid } from 'ulid';
import { pathBytes, toPathText } from '../../../journal/path-text.js';
import type { PathText } from '../../../journal/events/index.js';
import type { Step } from './journal-on-disk.js';

/** A directory of a made-up tree; names are bytes in latin1. */
export interface Folder {
  folders: Map<string, Folder>;
  files: Map<string, number>;
}

/** Deterministic, from a seed that fast-check chose. */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** 0 … n-1 */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * n);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(of: readonly T[]): T {
    const one = of[this.below(of.length)];
    if (one === undefined) throw new RangeError('nothing to pick from');
    return one;
  }
}

/** Names that sort before and behind `/`, escape, or are no UTF-8: each has hurt somebody. */
const NAMES = [
  'a',
  'a0',
  'a b',
  'a!',
  'b',
  'b\\',
  'b\\\\',
  'x\\xe9',
  'caf\xe9',
  '\xff',
  '.dot',
  'A',
  'end.',
  'f.JPG',
  '\xc3\xa9',
];

const newFolder = (): Folder => ({ folders: new Map(), files: new Map() });

/** Changes a tree a little, or makes its first files. */
export function grow(dice: Dice, folder: Folder, depth = 0): void {
  for (const name of [...folder.folders.keys()]) {
    if (dice.chance(15)) folder.folders.delete(name);
  }
  for (const name of [...folder.files.keys()]) if (dice.chance(20)) folder.files.delete(name);
  for (let i = dice.below(5); i > 0; i -= 1) {
    const name = dice.pick(NAMES);
    if (!folder.folders.has(name)) folder.files.set(name, dice.chance(5) ? 2 ** 53 + 2 : dice.below(1000));
  }
  if (depth < 4) {
    for (let i = dice.below(4 - depth); i > 0; i -= 1) {
      const name = dice.pick(NAMES);
      if (!folder.files.has(name) && !folder.folders.has(name)) folder.folders.set(name, newFolder());
    }
  }
  for (const child of folder.folders.values()) grow(dice, child, depth + 1);
}

export const emptyTree = newFolder;

const text = (latin1: string): PathText => toPathText(Buffer.from(latin1, 'latin1'));

interface Listing {
  path: string;
  folder: Folder;
}

/** What one attempt writes of one directory: a complete listing in parts, a torn one, or none. */
function entriesOf(dice: Dice, { path, folder }: Listing): { entries: object[]; complete: boolean } {
  const fate = dice.below(100);
  if (fate < 6) {
    const code = fate < 3 ? 'EACCES' : 'ENOENT';
    const problems = [{ name: '', operation: 'opendir', code }];
    return { entries: [{ path: text(path), part: 1, last: false, rows: [], problems }], complete: false };
  }
  const names = [...folder.files.keys()];
  const unreadable = names.filter(() => dice.chance(4));
  const rows = names
    .filter((name) => !unreadable.includes(name))
    .map((name) => row(name, folder.files.get(name) ?? 0));
  const parts = dice.chance(25) ? 1 + dice.below(3) : 1;
  const size = Math.ceil(rows.length / parts) || 1;
  const entries: Record<string, unknown>[] = [];
  for (let part = 1; part <= parts; part += 1) {
    const last = part === parts;
    const problems = last
      ? unreadable.map((name) => ({ name: text(name), operation: 'lstat', code: 'EIO' }))
      : [];
    const partRows = rows.slice((part - 1) * size, part * size);
    entries.push({ path: text(path), part, last, rows: partRows, problems, ...facts(dice, partRows) });
    if (last) {
      const entry = { entries: names.length + folder.folders.size, subdirectories: folder.folders.size };
      Object.assign(entries.at(-1) ?? {}, entry, { others: 0, excluded: 0 });
    }
  }
  // A part that never came, or was lost on the way.
  if (dice.chance(5)) entries.splice(dice.below(entries.length), 1);
  return { entries, complete: entries.length === parts };
}

/** Few rows have several names, or holes. */
function facts(dice: Dice, rows: readonly unknown[]): object {
  const some = (): number[] => [...rows.keys()].filter(() => dice.chance(15));
  const links = some().map((index) => [index, 2049, dice.pick([7, '18446744073709551615']), 2]);
  const allocated = some().map((index) => [index, dice.below(3)]);
  return { ...(links.length > 0 && { links }), ...(allocated.length > 0 && { allocated }) };
}

function row(name: string, size: number): unknown[] {
  return [text(name), Number.isSafeInteger(size) ? size : String(size), '1700000000123456789'];
}

function below(path: string, folder: Folder): Listing[] {
  const own = { path, folder };
  return [own, ...[...folder.folders].flatMap(([name, child]) => below(`${path}/${name}`, child))];
}

/** One scan of a tree, as a list of what each writer writes in turn. */
export function scanSteps(dice: Dice, mount: string, tree: Folder, timeMs: number): Step[] {
  const scan = ulid(timeMs);
  const host = { hostname: 'h', bootId: 'b', cpus: 1, memoryBytes: 1 };
  const tell = (type: string, data: object): Step => ({ scan, writer: 'coordinator', type, data });
  const head = [
    tell('scan.started', {
      mountPath: text(mount),
      mountName: mount.slice(1),
      engine: 'process',
      options: {},
      host,
    }),
  ];
  const roots = [{ path: mount, scope: 'files', listings: [{ path: mount, folder: tree }] }];
  for (const [name, folder] of tree.folders) {
    const path = `${mount}/${name}`;
    roots.push({ path, scope: 'subtree', listings: below(path, folder) });
  }
  const workers: Step[][] = [];
  let failed = 0;
  roots.forEach(({ path, scope, listings }, i) => {
    const chunk = i + 1;
    const planned = {
      chunk,
      roots: [{ path: text(path), scope }],
      reason: 'sized',
      estimatedFiles: 1,
      estimatedBytes: 1,
    };
    head.push(tell('chunk.planned', planned));
    const { steps, done } = chunkSteps(dice, scan, chunk, listings);
    workers.push(steps);
    if (!done) failed += 1;
  });
  const outcome = failed > 0 ? 'incomplete' : dice.chance(50) ? 'complete' : 'complete-with-problems';
  const counts = { planned: roots.length, completed: roots.length - failed, failed };
  const tail = [
    tell('scan.completed', { outcome, files: 1, directories: 1, bytes: 1, problems: 0, chunks: counts }),
  ];
  const ending = dice.chance(80) ? [...tail, tell('seal', {})] : [];
  return [...head, ...shuffle(dice, workers), ...ending];
}

function chunkSteps(
  dice: Dice,
  scan: string,
  chunk: number,
  listings: Listing[],
): { steps: Step[]; done: boolean } {
  const writer = `worker-${String(chunk).padStart(4, '0')}`;
  const steps: Step[] = [];
  const tell = (type: string, data: object): void => {
    steps.push({ scan, writer: 'coordinator', type, data });
  };
  let rest = listings;
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const name = `${writer}-${attempt}`;
    tell('process.requested', { chunk, attempt, name, image: null, command: 'c' });
    tell('process.started', { chunk, attempt, name, id: String(attempt) });
    const dies = dice.chance(30);
    const until = dies ? dice.below(rest.length + 1) : rest.length;
    const unfinished: Listing[] = rest.slice(until);
    for (const listing of rest.slice(0, until)) {
      const { entries, complete } = entriesOf(dice, listing);
      if (!complete) unfinished.push(listing);
      for (const entry of entries) {
        const data = { chunk, attempt, columns: ['name', 'size', 'mtimeNs'], directories: [entry] };
        steps.push({ scan, writer, type: 'files.batch', data });
        if (dice.chance(10)) steps.push({ scan, writer, type: 'seal', data: {} });
      }
    }
    rest = unfinished;
    if (!dies) {
      steps.push({
        scan,
        writer,
        type: 'chunk.scanned',
        data: { chunk, attempt, files: 0, directories: 0, bytes: 0, problems: 0 },
      });
    }
    steps.push({ scan, writer, type: dies ? 'epoch' : 'seal', data: {} });
    const exit = {
      chunk,
      attempt,
      name,
      id: String(attempt),
      exitCode: dies ? 137 : 0,
      oomKilled: false,
      error: '',
      logTail: [],
    };
    tell('process.exited', exit);
    if (!dies) {
      tell('chunk.completed', { chunk, attempt, files: 0, directories: 0, bytes: 0, problems: 0 });
      return { steps, done: true };
    }
    tell('chunk.failed', { chunk, attempt, reason: 'killed', willRetry: attempt < 3 });
  }
  return { steps, done: false };
}

/** Interleaves lists, each in its own order. */
function shuffle(dice: Dice, lists: Step[][]): Step[] {
  const queues = lists.filter((list) => list.length > 0).map((list) => [...list]);
  const all: Step[] = [];
  while (queues.length > 0) {
    const at = dice.below(queues.length);
    const next = queues[at]?.shift();
    if (next === undefined) queues.splice(at, 1);
    else all.push(next);
  }
  return all;
}

/** Bytes of a path in a step, as latin1. */
export function latin1(path: PathText): string {
  return pathBytes(path).toString('latin1');
}
