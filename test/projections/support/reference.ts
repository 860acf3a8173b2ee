import type { PathText } from '../../../journal/events/index.js';
import type { Step } from './journal-on-disk.js';
import { latin1 } from './made-up-scans.js';

interface Entry {
  path: PathText;
  part: number;
  last: boolean;
  rows: [PathText, number | string, string][];
  problems: { name: PathText; code: string }[];
  links?: [row: number, ...unknown[]][];
  allocated?: [row: number, bytes: number][];
  subdirectories?: number;
}

interface Known {
  scan: string;
  seen: string | null;
  listed: string | null;
  subdirectories: number;
  attempt: string;
  part: number;
  names: Set<string>;
}

const parent = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** The contract's words on `files`, written down naively: maps, and a look at everything each time. */
export class Reference {
  readonly files = new Map<string, string>();
  /** What is told of few files, by path. */
  readonly facts = new Map<string, string>();
  readonly #folders = new Map<string, Known>();
  readonly #open = new Map<string, { mount: string }>();

  /** Steps of one scan, all of them; workers after the coordinator, by number. */
  scan(steps: readonly Step[]): void {
    const started = steps.find((step) => step.type === 'scan.started')?.data as { mountPath: PathText };
    const scan = steps[0]?.scan ?? '';
    const mount = latin1(started.mountPath);
    for (const [other, open] of this.#open) {
      if (overlap(open.mount, mount)) {
        this.#clear(other, open.mount);
        this.#open.delete(other);
      }
    }
    const writers = [...new Set(steps.map((step) => step.writer))].sort();
    for (const writer of writers) {
      for (const step of steps) {
        if (step.writer !== writer || step.type !== 'files.batch') continue;
        const data = step.data as { attempt: number; directories: Entry[] };
        for (const entry of data.directories) this.#entry(scan, `${writer}/${data.attempt}`, entry);
      }
    }
    const outcome = steps.find((step) => step.type === 'scan.completed')?.data as
      { outcome: string } | undefined;
    if (outcome === undefined || outcome.outcome === 'incomplete') this.#open.set(scan, { mount });
    else this.#clear(scan, mount);
  }

  #entry(scan: string, attempt: string, entry: Entry): void {
    const path = latin1(entry.path);
    const before = this.#folders.get(path);
    const goesOn =
      before?.scan === scan && before.attempt === attempt && entry.part > 1 && before.part === entry.part - 1;
    const names = goesOn ? before.names : new Set<string>();
    for (const [index, [name, size]] of entry.rows.entries()) {
      const file = `${path}/${latin1(name)}`;
      names.add(latin1(name));
      this.files.set(file, String(size));
      this.#tell(file, entry, index);
    }
    for (const { name } of entry.problems) names.add(latin1(name));
    const part = entry.part === 1 || goesOn ? entry.part : 0;
    const gone = entry.problems.some((problem) => problem.name === '' && problem.code === 'ENOENT');
    const known: Known = {
      scan,
      attempt,
      part,
      names,
      seen: gone ? (before?.seen ?? null) : scan,
      listed: before?.listed ?? null,
      subdirectories: before?.subdirectories ?? 0,
    };
    this.#folders.set(path, known);
    if (!entry.last || part !== entry.part) return;
    Object.assign(known, { listed: scan, subdirectories: entry.subdirectories ?? 0 });
    for (const file of [...this.files.keys()]) {
      if (parent(file) === path && !names.has(file.slice(path.length + 1))) this.#forget(file);
    }
  }

  #clear(scan: string, mount: string): void {
    for (const path of [...this.#folders.keys()].sort()) {
      let child = path;
      while (child.startsWith(`${mount}/`)) {
        if (this.#folders.get(child)?.seen === scan) break;
        const above = this.#folders.get(parent(child));
        if (above?.listed === scan) {
          if (this.#seenIn(parent(child), scan) === above.subdirectories) this.#remove(child);
          break;
        }
        child = parent(child);
      }
    }
  }

  #tell(file: string, { links = [], allocated = [] }: Entry, index: number): void {
    const link = links
      .find(([row]) => row === index)
      ?.slice(1)
      .join(' ');
    const bytes = allocated.find(([row]) => row === index)?.[1];
    if (link === undefined && bytes === undefined) this.facts.delete(file);
    else this.facts.set(file, `${link ?? '-'} ${bytes ?? '-'}`);
  }

  #seenIn(path: string, scan: string): number {
    return [...this.#folders].filter(([child, known]) => parent(child) === path && known.seen === scan)
      .length;
  }

  #forget(file: string): void {
    this.files.delete(file);
    this.facts.delete(file);
  }

  #remove(path: string): void {
    // A file may stand where the directory stood.
    for (const key of [...this.files.keys()]) if (key.startsWith(`${path}/`)) this.#forget(key);
    for (const key of [...this.#folders.keys()]) {
      if (key === path || key.startsWith(`${path}/`)) this.#folders.delete(key);
    }
  }
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
