import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { scratchFolder } from './scratch.js';

const PROJECT = resolve(import.meta.dirname, '../..');
/** The built entry: the tests of the contract see the program as its users do. */
export const ENTRY = join(PROJECT, 'dist/cli/main.js');

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Command and arguments of a program that runs it and stays out of its way, such as `strace -D`. */
  under?: readonly string[];
}

/** The environment of a run: ours without what would steer the program or the test runner. */
function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(NAS_SCANNER_|VITEST|PUID$|PGID$|UMASK$|NODE_|XDG_)/.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

/** A run that goes on: signal it, wait for its end. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: RunOptions = {}) {
    const [command = '', ...rest] = [...(options.under ?? []), process.execPath, ENTRY, ...args];
    this.child = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: cleanEnv(options.env),
      cwd: options.cwd,
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((settle, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        settle({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until it has a worker process. */
  async firstWorker(): Promise<number> {
    let worker: number | undefined;
    await until('a worker', () => (worker = this.workers()[0]) !== undefined);
    return Number(worker);
  }

  /** Direct children that are still there: worker processes, as the kernel sees them. */
  workers(): number[] {
    const children = aboutProcess(this.pid, `task/${this.pid}/children`)
      .split(' ')
      .filter(Boolean)
      .map(Number);
    return children.filter((pid) => aboutProcess(pid, 'cmdline').includes('\0worker\0--task\0'));
  }
}

/** A file of /proc/<pid>; empty where the process is gone. */
export function aboutProcess(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}

/** Runs the program to its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Running(args, options).ended;
}

/** Runs with `--json`, asserts the exit code and that stdout is exactly one object, and returns it. */
export async function runJson(
  args: readonly string[],
  code: number,
  options: RunOptions = {},
): Promise<Record<string, unknown>> {
  const outcome = await run([...args, '--json'], options);
  expect(outcome.code, `exit code of ${args.join(' ')}\n${outcome.stderr}`).toBe(code);
  return oneObject(outcome.stdout);
}

/** Parses output that has to be one JSON object and nothing else. */
export function oneObject(stdout: string): Record<string, unknown> {
  const value = JSON.parse(stdout) as unknown;
  expect(value).toBeTypeOf('object');
  expect(Array.isArray(value)).toBe(false);
  return value as Record<string, unknown>;
}

/** A folder of its own for one test, with a data directory's path in it; `remove` it. */
export class Place {
  readonly root = scratchFolder('place');
  readonly tree = join(this.root, 'mount');
  readonly dataDir = join(this.root, 'data');
  readonly catalog = join(this.dataDir, 'smart_catalog.db');
  readonly journal = join(this.dataDir, 'journal');

  /** Arguments of a quick scan of `tree` by worker processes. */
  scanArgs(...more: string[]): string[] {
    return ['scan', this.tree, 'Mount', '--data-dir', this.dataDir, '--engine', 'process', ...more];
  }

  args(command: string, ...more: string[]): string[] {
    return [command, ...more, '--data-dir', this.dataDir];
  }

  scans(): string[] {
    return readdirSync(this.journal).sort();
  }

  /** For a place that other tests go on with. */
  removeData(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Waits until `ready` is true. */
export async function until(what: string, ready: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!ready()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}
