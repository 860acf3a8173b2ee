import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataPaths, type DataPaths } from '../data-dir.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
/** No single step of the self-test may take longer. */
const STEP_TIMEOUT_MS = 15_000;
const DIRECTORIES = 30;
const FILES_EACH = 20;
/** In every directory one name that is hard: quotes, a newline, bytes that are no UTF-8. */
const HARD_NAMES = ['it\'s "quoted".txt', 'two\nlines.txt', Buffer.from('caf\xe9.jpg', 'latin1')] as const;

/** A hole: it takes no room, and whoever reads all of it is busy for longer than any step may take. */
const HUGE_BYTES = 64 * 1024 ** 3;
/** Files that `SelfTestPlace.heavy` holds beside the huge one. */
export const HEAVY_FILES = 3;

/** Files in the tree of `SelfTestPlace`. */
export const TREE_FILES = DIRECTORIES * FILES_EACH + HARD_NAMES.length;
export const TREE_DIRECTORIES = DIRECTORIES + 1;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A throw-away directory with a small tree to scan, and this very program to scan it with. */
export class SelfTestPlace {
  readonly root = mkdtempSync(join(tmpdir(), 'nas-scanner-self-test-'));
  readonly tree = join(this.root, 'tree');
  /** Another one, whose scan with full checksums goes on until the huge file is gone. */
  readonly heavy = join(this.root, 'heavy');
  readonly huge = join(this.heavy, 'huge.bin');
  readonly #running = new Set<ChildProcess>();

  constructor() {
    mkdirSync(this.heavy);
    for (let file = 0; file < HEAVY_FILES; file += 1) writeFileSync(join(this.heavy, `${file}.txt`), 'x');
    writeFileSync(this.huge, '');
    truncateSync(this.huge, HUGE_BYTES);
    mkdirSync(this.tree);
    for (let directory = 0; directory < DIRECTORIES; directory += 1) {
      const path = join(this.tree, `directory-${directory}`);
      mkdirSync(path);
      for (let file = 0; file < FILES_EACH; file += 1) {
        writeFileSync(join(path, `file-${file}.txt`), `${directory}/${file}\n`);
      }
    }
    for (const name of HARD_NAMES) {
      writeFileSync(Buffer.concat([Buffer.from(`${this.tree}/`), Buffer.from(name)]), 'x');
    }
  }

  paths(name: string): DataPaths {
    return dataPaths(join(this.root, name));
  }

  /** Starts a command on a data directory of that name. */
  start(name: string, ...words: string[]): { child: ChildProcess; ended: Promise<Ended> } {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !key.startsWith('NAS_SCANNER_')),
    );
    const child = spawn(process.execPath, [PROGRAM, ...words, '--data-dir', join(this.root, name)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    this.#running.add(child);
    const timer = setTimeout(() => child.kill('SIGKILL'), STEP_TIMEOUT_MS);
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => (output[stream] += text));
    }
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(timer);
        this.#running.delete(child);
        resolve({ code, ...output });
      });
    });
    return { child, ended };
  }

  run(name: string, ...words: string[]): Promise<Ended> {
    return this.start(name, ...words).ended;
  }

  /** Runs a command with `--json` and gives what it printed. */
  async json(name: string, ...words: string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await this.run(name, ...words, '--json');
    try {
      return JSON.parse(stdout) as Record<string, unknown>;
    } catch (cause) {
      throw new Error(`${words[0] ?? ''} printed no JSON: ${stderr.trim() || stdout.slice(0, 200)}`, {
        cause,
      });
    }
  }

  remove(): void {
    for (const child of this.#running) child.kill('SIGKILL');
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
