import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineSignal, Launch, WorkerExit, WorkerLimits } from '../../src/engine/port.js';

export const FAKE_WORKER = join(import.meta.dirname, 'fake-worker.mjs');
const WAIT_MS = 20_000;

/** What a fake worker is told to do. */
export interface Orders {
  exitCode?: number;
  lines?: number;
  complain?: string;
  list?: string;
  writeInto?: string;
  whoami?: boolean;
  hoard?: boolean;
  ignoreTerm?: boolean;
}

/** Folders and launches of one test. */
export class Workbench {
  readonly folder: string;
  readonly mount: string;
  readonly scan = ulid();
  #next = 1;

  private constructor(folder: string) {
    this.folder = folder;
    this.mount = join(folder, 'mount');
  }

  static async make(): Promise<Workbench> {
    const bench = new Workbench(await mkdtemp(join(tmpdir(), 'nas-scanner-bench-')));
    await mkdir(bench.mount);
    await writeFile(join(bench.mount, 'file'), 'x');
    return bench;
  }

  async launch(orders: Orders, more: { limits?: WorkerLimits; mountPath?: string } = {}): Promise<Launch> {
    const chunk = this.#next++;
    const writer = `worker-${String(chunk).padStart(4, '0')}`;
    const writerDir = join(this.folder, 'data/journal', this.scan, writer);
    await mkdir(writerDir, { recursive: true });
    const taskFile = join(writerDir, 'task.json');
    await writeFile(taskFile, JSON.stringify(orders));
    const limits = more.limits ?? { cpus: null, memoryBytes: null };
    const mountPath = more.mountPath ?? this.mount;
    return { scan: this.scan, chunk, attempt: 1, writer, writerDir, taskFile, mountPath, limits };
  }

  /** Resolves when the fake worker runs its loop. */
  async ready(launch: Launch): Promise<void> {
    await eventually(() => existsSync(join(launch.writerDir, 'ready')));
  }

  async leave(launch: Launch): Promise<void> {
    await writeFile(join(launch.writerDir, 'leave'), '');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function eventually(check: () => boolean | Promise<boolean>, withinMs = WAIT_MS): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`);
    await sleep(25);
  }
}

/** Waits for the end that the engine itself reports by its list. */
export async function ended(engine: Engine, id: string): Promise<WorkerExit> {
  await eventually(async () => (await engine.list()).find((each) => each.id === id)?.phase === 'exited');
  return engine.exitOf(id);
}

/** What every engine promises, whatever it runs workers in. */
export function describeEngine(name: string, open: () => Promise<Engine>): void {
  describe(`${name} as an engine`, () => {
    let engine: Engine;
    let bench: Workbench;
    const started: string[] = [];

    async function start(launch: Launch): Promise<string> {
      const { id } = await engine.start(launch, engine.plan(launch), WAIT_MS);
      started.push(id);
      return id;
    }

    beforeAll(async () => {
      engine = await open();
      bench = await Workbench.make();
    });
    afterEach(async () => {
      for (const id of started.splice(0)) {
        await engine.signal(id, 'SIGKILL');
        await engine.remove(id);
      }
    });
    afterAll(async () => {
      await engine.close();
      await bench.remove();
    });

    test('tells what it will run before it runs it', async () => {
      const launch = await bench.launch({ exitCode: 0 });
      const plan = engine.plan(launch);
      expect(plan.command).toContain(launch.taskFile);
      expect(plan.image === null).toBe(engine.kind === 'process');
    });

    test('a worker that ends at once has been started, and its exit can be read until it is removed', async () => {
      const id = await start(await bench.launch({ exitCode: 7, lines: 3, complain: 'oh no' }));
      const exit = await ended(engine, id);
      expect(exit).toMatchObject({ exitCode: 7, oomKilled: false });
      expect(exit.logTail).toEqual(expect.arrayContaining(['line 1', 'line 2', 'line 3', 'oh no']));
      await engine.remove(id);
      expect((await engine.list(bench.scan)).map((each) => each.id)).not.toContain(id);
    });

    test('keeps the last 50 lines of a long log', async () => {
      const id = await start(await bench.launch({ exitCode: 0, lines: 5000 }));
      const { logTail } = await ended(engine, id);
      expect(logTail).toEqual(Array.from({ length: 50 }, (_, index) => `line ${4951 + index}`));
    });

    test('shows the log of a worker that still runs', async () => {
      const id = await start(await bench.launch({ lines: 2 }));
      await expect.poll(() => engine.logTail(id), { timeout: 10_000 }).toEqual(['line 1', 'line 2']);
    });

    test('lists a running worker by scan, with chunk and attempt', async () => {
      const launch = await bench.launch({});
      const id = await start(launch);
      await bench.ready(launch);
      const mine = (await engine.list(launch.scan)).find((each) => each.id === id);
      expect(mine).toMatchObject({ chunk: launch.chunk, attempt: 1, scan: launch.scan, phase: 'running' });
      expect(await engine.list(ulid())).toEqual([]);
    });

    test('tells of an end by itself, within two seconds', async () => {
      const heard: EngineSignal[] = [];
      engine.watch((signal) => heard.push(signal));
      const launch = await bench.launch({});
      const id = await start(launch);
      await bench.ready(launch);
      await sleep(300);
      await bench.leave(launch);
      await eventually(() => heard.some((signal) => signal.kind === 'exited' && signal.id === id), 2000);
    });

    test('SIGTERM and SIGUSR2 reach the worker', async () => {
      const launch = await bench.launch({});
      const id = await start(launch);
      await bench.ready(launch);
      await engine.signal(id, 'SIGUSR2');
      await sleep(300);
      await engine.signal(id, 'SIGTERM');
      const exit = await ended(engine, id);
      expect(exit.exitCode ?? exit.signal).toBe(143);
      expect(exit.logTail).toEqual(['got SIGUSR2', 'got SIGTERM']);
    });

    test('SIGKILL ends a worker that ignores SIGTERM, and the exit says so', async () => {
      const launch = await bench.launch({ ignoreTerm: true });
      const id = await start(launch);
      await bench.ready(launch);
      await engine.signal(id, 'SIGTERM');
      await engine.signal(id, 'SIGKILL');
      expect(await ended(engine, id)).toMatchObject({ signal: 'SIGKILL', oomKilled: false });
    });

    test('answers for a running worker, and says what it uses', async () => {
      const launch = await bench.launch({});
      const id = await start(launch);
      await bench.ready(launch);
      expect(await engine.ping(id, WAIT_MS)).toBe(true);
      await engine.usage(id);
      await sleep(100);
      const usage = await engine.usage(id);
      expect(usage.memoryBytes).toBeGreaterThan(1024 * 1024);
      expect(usage.cpuPercent).toBeGreaterThanOrEqual(0);
    });

    test('what has ended does not answer', async () => {
      const id = await start(await bench.launch({ exitCode: 0 }));
      await ended(engine, id);
      expect(await engine.ping(id, WAIT_MS)).toBe(false);
    });

    test('signals to and removal of what has ended or is gone are no errors', async () => {
      const id = await start(await bench.launch({ exitCode: 0 }));
      await ended(engine, id);
      await engine.signal(id, 'SIGTERM');
      await engine.remove(id);
      await engine.remove(id);
      await engine.signal(id, 'SIGKILL');
    });
  });
}
