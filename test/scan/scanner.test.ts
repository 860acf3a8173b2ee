import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../journal/events/index.js';
import { OWNER_OF_PROCESS } from '../../journal/storage.js';
import { JournalWriter } from '../../journal/writer.js';
import { EngineError, type SeenWorker } from '../../src/engine/port.js';
import { DiskPause } from '../../src/scan/disk-pause.js';
import { readState } from '../../src/scan/history.js';
import { ScanJournal } from '../../src/scan/scan-journal.js';
import type { PlanningStep, PreflightResult } from '../../src/scan/scanner-options.js';
import { Scanner } from '../../src/scan/scanner.js';
import type { ScanSettings } from '../../src/scan/settings.js';
import { initialState } from '../../src/scan/state.js';
import { readTask } from '../../src/worker/task.js';
import { asCoordinator } from '../support/coordinator-writer.js';
import { batchOf, diligent, FakeEngine, type Script } from '../support/fake-engine.js';
import { canMount, inCi } from '../support/journal-faults.js';
import { scratchFolder } from '../support/scratch.js';

let dataDir: string;
beforeEach(() => {
  dataDir = scratchFolder('scanner'); // a worker that a test has left makes its folder again
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

const host = { hostname: 'tower', bootId: 'b', cpus: 2, memoryBytes: 1 };

function chunkOf(...paths: string[]): PlanningStep {
  const roots = paths.map((path) => ({
    path,
    scope: path === '/m' ? ('files' as const) : ('subtree' as const),
  }));
  return { type: 'chunk', roots, reason: 'sized', estimatedFiles: 1, estimatedBytes: 10 };
}

interface Setup {
  script?: Script;
  steps?: PlanningStep[];
  preflight?: PreflightResult[];
  settings?: Partial<ScanSettings>;
  supervision?: Partial<ScanSettings['supervision']>;
  subdirectories?: Record<string, string[]>;
  scan?: string;
  now?: () => number;
  /** Data directory of the workers, where it is another one than the coordinator's. */
  disk?: string;
  fullDiskWaitMs?: number;
}

async function setUp(setup: Setup) {
  const journalDir = join(dataDir, 'journal');
  const scan = setup.scan ?? ulid();
  const resumed = setup.scan !== undefined;
  const events: JournalEvent[] = [];
  const engine = new FakeEngine(setup.script ?? diligent);
  const observer = { recorded: (event: JournalEvent) => void events.push(event) };
  const state = resumed ? await readState(journalDir, scan) : initialState();
  const epoch = resumed ? 2 : 1;
  const writer = await JournalWriter.open(asCoordinator(journalDir, scan, { epoch }));
  const journal = new ScanJournal(writer, state, observer);
  const settings: ScanSettings = {
    scan,
    journalDir: setup.disk ?? journalDir,
    dataDir,
    owner: OWNER_OF_PROCESS,
    mountPath: '/m',
    limits: { cpus: null, memoryBytes: null },
    supervision: {
      workersMax: 2,
      stallMs: 60_000,
      stallAction: 'warn',
      splitAfterMs: 60_000,
      splitAfterShare: 0.05,
      splitIdleMs: 0,
      graceMs: 300,
      engineWaitMs: 600_000,
      ...setup.supervision,
    },
    retries: 1,
    startTimeoutMs: 1000,
    healthIntervalMs: 60_000,
    ioTimeoutMs: 1000,
    task: {
      mountPath: '/m',
      mountDevice: null,
      hostname: 'tower',
      checksum: 'none',
      exclude: [],
      excludeDirectories: [],
      oneFileSystem: false,
      directoriesAtOnceMax: null,
      ioTimeoutMs: 1000,
      fullDiskWaitMs: 0,
      segmentBytesMax: 1e6,
      nice: false,
    },
    ...setup.settings,
  };
  const scanner = new Scanner({
    journal,
    engine,
    settings,
    observer,
    diskPause: new DiskPause({
      journal,
      dataDir: setup.disk ?? dataDir,
      waitMs: setup.fullDiskWaitMs ?? 0,
      endWait: () => undefined,
    }),
    async *preflight() {
      yield* await Promise.resolve(setup.preflight ?? []);
    },
    async *plan() {
      yield* await Promise.resolve(setup.steps ?? [chunkOf('/m'), chunkOf('/m/a')]);
    },
    listSubdirectories: (directory) =>
      Promise.resolve((setup.subdirectories?.[directory.toString()] ?? []).map((path) => Buffer.from(path))),
    ...(setup.now === undefined ? {} : { now: setup.now }),
  });
  if (resumed) await journal.append('scan.resumed', { reason: 'test', host });
  else
    await journal.append('scan.started', {
      mountPath: '/m',
      mountName: 'M',
      engine: 'docker',
      options: {},
      host,
    });
  const types = (): string[] => events.map((event) => event.type);
  type Data<T> = Extract<JournalEvent, { type: T }>['data'];
  const of = <T extends JournalEvent['type']>(type: T): Data<T>[] =>
    events.flatMap((event) => (event.type === type ? [event.data as Data<T>] : []));
  return { scanner, engine, journal, types, of, scan };
}

async function run(setup: Setup) {
  const parts = await setUp(setup);
  const end = await parts.scanner.run();
  await parts.journal.close();
  return { ...parts, end, completed: parts.of('scan.completed')[0] };
}

/** Fails as given the first times, then does its work. */
function failing(times: number, exit: Awaited<ReturnType<Script>>): Script {
  let failures = 0;
  return async (worker) => (failures++ < times ? exit : diligent(worker));
}

const oneChunk = { steps: [chunkOf('/m')] };

describe.skipIf(!canMount && !inCi)('a disk without room for the journal of the next worker', () => {
  let disk: string;
  beforeEach(() => {
    disk = join(dataDir, 'disk');
    mkdirSync(disk);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', disk]).status).toBe(0);
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(8 * 1024 ** 2));
  });
  afterEach(() => {
    spawnSync('umount', ['-l', disk]);
  });

  test('holds its start until there is room', async () => {
    const parts = await setUp({ disk, fullDiskWaitMs: 60_000 });
    const ended = parts.scanner.run();
    await expect.poll(() => parts.of('scan.paused')).toHaveLength(1);
    expect(parts.of('scan.paused')[0]?.reason).toMatch(
      /is full \(ENOSPC, met by the next worker\): free some room/,
    );
    expect(parts.of('container.requested')).toEqual([]);
    rmSync(join(disk, 'ballast'));
    expect(await ended).toBe('completed');
    await parts.journal.close();
    expect(parts.of('scan.continued')).toHaveLength(1);
    expect(parts.of('chunk.failed')).toEqual([]);
    expect(parts.of('scan.completed')).toMatchObject([{ outcome: 'complete', files: 2 }]);
  });

  test('ends the scan in order where none comes', async () => {
    const { of, end, completed } = await run({ disk, fullDiskWaitMs: 300 });
    expect(end).toBe('completed');
    expect(of('scan.continued')).toEqual([]);
    expect(completed).toMatchObject({
      outcome: 'incomplete',
      chunks: { planned: 2, completed: 0, failed: 0 },
    });
  });
});

describe('a scan', () => {
  test('whose chunks all complete is complete', async () => {
    const { completed, types, engine } = await run({});
    expect(completed).toMatchObject({
      outcome: 'complete',
      files: 2,
      directories: 2,
      bytes: 20,
      chunks: { planned: 2, completed: 2, failed: 0 },
    });
    const order = [
      'container.requested',
      'container.started',
      'container.exited',
      'writer.progressed',
      'chunk.completed',
    ];
    expect(types().filter((type) => order.includes(type) && type !== 'container.removed').length).toBe(10);
    expect(engine.running.size).toBe(0);
    expect(types().at(-1)).toBe('scan.completed');
  });

  test('that fails its preflight starts nothing', async () => {
    const check = { check: 'mount', ok: false, detail: 'gone', advice: 'mount it', fatal: true };
    const { end, completed, engine, of } = await run({ preflight: [check] });
    expect(end).toBe('preflight-failed');
    expect(completed).toMatchObject({ outcome: 'incomplete', chunks: { planned: 0 } });
    expect(of('preflight.checked')[0]).not.toHaveProperty('fatal');
    expect(engine.launches).toEqual([]);
  });

  test('plans what appeared in the mount after planning', async () => {
    const { completed, of } = await run({ subdirectories: { '/m': ['/m/a', '/m/late'] } });
    expect(of('chunk.planned').at(-1)).toMatchObject({
      roots: [{ path: '/m/late', scope: 'subtree' }],
      reason: 'leaf',
    });
    expect(completed).toMatchObject({ outcome: 'complete', files: 3 });
  });

  test('plans latecomers with long paths in as many chunks as their records take', async () => {
    const late = Array.from({ length: 50 }, (_, index) => `/m/${'x'.repeat(3000)}${index}`);
    const { completed, of } = await run({ subdirectories: { '/m': ['/m/a', ...late] } });
    const plans = of('chunk.planned').filter(({ reason }) => reason === 'leaf');
    expect(plans.flatMap(({ roots }) => roots.map(({ path }) => path)).sort()).toEqual(late.sort());
    expect(plans.length).toBeGreaterThan(1);
    for (const plan of plans) expect(JSON.stringify(plan).length).toBeLessThan(60 * 1024);
    expect(completed).toMatchObject({ outcome: 'complete' });
  });

  test('is not complete when a listing names a directory that nobody entered', async () => {
    const script: Script = async ({ task, open }) => {
      const writer = await open();
      const batch = batchOf(task, '/m', ['a']);
      for (const directory of batch.directories) Object.assign(directory, { entries: 2, subdirectories: 1 });
      await writer.append('files.batch', batch);
      await writer.append('chunk.scanned', {
        chunk: 1,
        attempt: 1,
        files: 1,
        directories: 1,
        bytes: 10,
        problems: 0,
      });
      await writer.close();
      return {};
    };
    expect((await run({ ...oneChunk, script })).completed?.outcome).toBe('incomplete');
  });
});

describe('an attempt', () => {
  test.each([
    ['was killed', { exitCode: 137, signal: 'SIGKILL' }],
    ['ran out of memory', { exitCode: 137, oomKilled: true }],
    ['exited with 0 and no data', {}],
  ])('that %s is journaled and tried again', async (_, exit) => {
    const { completed, of } = await run({ ...oneChunk, script: failing(1, exit) });
    expect(of('chunk.failed')).toMatchObject([{ chunk: 1, attempt: 1, willRetry: true }]);
    expect(completed).toMatchObject({ outcome: 'complete', files: 1 });
  });

  test('that fails is told with what its worker used when it was last seen at work', async () => {
    const script: Script = async () => {
      await new Promise((resume) => setTimeout(resume, 300));
      return { exitCode: 137, signal: 'SIGKILL' };
    };
    const { of } = await run({ ...oneChunk, script, settings: { retries: 0 } });
    const at = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    const lastUsage = { at, cpuPercent: 1, memoryBytes: 64 * 2 ** 20, memoryLimitBytes: 128 * 2 ** 20 };
    expect(of('container.exited')[0]).toMatchObject({ lastUsage });
  });

  test('after one that was killed for memory works on fewer directories at once', async () => {
    const tasks: (number | null)[] = [];
    const script: Script = async (worker) => {
      tasks.push(worker.task.directoriesAtOnceMax);
      return tasks.length === 1 ? { exitCode: 137, oomKilled: true } : diligent(worker);
    };
    await run({ ...oneChunk, script });
    expect(tasks).toEqual([null, 1]);
  });

  test('goes on behind what an earlier one recorded, and counts nothing twice', async () => {
    let attempts = 0;
    const script: Script = async (worker) => {
      attempts += 1;
      if (attempts === 2) {
        expect(worker.task.previous).toMatchObject({ epoch: 1, seq: 2 });
        expect(worker.task.epoch).toBe(2);
        const writer = await worker.open();
        await writer.append('files.batch', batchOf(worker.task, '/m/a', ['b']));
        await writer.append('chunk.scanned', {
          chunk: 1,
          attempt: 2,
          files: 1,
          directories: 1,
          bytes: 10,
          problems: 0,
        });
        await writer.close();
        return {};
      }
      const writer = await worker.open();
      await writer.append('files.batch', batchOf(worker.task, '/m', ['a']));
      return { exitCode: 1 };
    };
    const { completed, of } = await run({ ...oneChunk, script });
    expect(of('writer.settled')).toMatchObject([{ writer: 'worker-0001', epoch: 1, seq: 2 }]);
    expect(of('chunk.completed')).toMatchObject([{ attempt: 2, files: 2, directories: 2 }]);
    expect(completed).toMatchObject({ outcome: 'complete', files: 2 });
  });

  test('that always fails costs only its own directory', async () => {
    const script: Script = async (worker) => {
      const poisoned = worker.task.roots.some(
        (root) => root.path === '/m/b' || (root.path === '/m' && root.scope === 'subtree'),
      );
      if (!poisoned) return diligent(worker);
      await worker.open();
      return { exitCode: 1 };
    };
    const root: PlanningStep = {
      type: 'chunk',
      roots: [{ path: '/m', scope: 'subtree' }],
      reason: 'leaf',
      estimatedFiles: 0,
      estimatedBytes: 0,
    };
    const { completed, of } = await run({
      script,
      steps: [root],
      subdirectories: { '/m': ['/m/a', '/m/b', '/m/c'] },
    });
    expect(of('chunk.split')).toMatchObject([{ chunk: 1, into: [2, 3, 4, 5] }, { into: [6] }]);
    expect(completed).toMatchObject({ outcome: 'incomplete', files: 3, chunks: { failed: 1 } });
  });

  test('that cannot start is journaled with its reason', async () => {
    const parts = await setUp(oneChunk);
    parts.engine.startErrors.push(new EngineError('start-timeout', 'slow'));
    await parts.scanner.run();
    expect(parts.of('container.start-failed')).toMatchObject([
      { chunk: 1, attempt: 1, reason: 'start-timeout' },
    ]);
    expect(parts.of('scan.completed')[0]?.outcome).toBe('complete');
  });

  test('whose start was given up is gone before the next one is requested, with its exit in the journal', async () => {
    const parts = await setUp({
      ...oneChunk,
      script: async (worker) => {
        if (worker.launch.attempt > 1) return diligent(worker);
        while ((await worker.signalled()) !== 'SIGKILL');
        return { exitCode: 137, signal: 'SIGKILL' };
      },
    });
    parts.engine.startErrors.push(new EngineError('start-timeout', 'slow'));
    parts.engine.lateMs = 300;
    await parts.scanner.run();
    const lives = parts.types().filter((type) => type.startsWith('container.'));
    expect(lives).toEqual(
      ['requested', 'start-failed', 'exited', 'removed', 'requested', 'started', 'exited', 'removed'].map(
        (what) => `container.${what}`,
      ),
    );
    expect(parts.of('container.exited')[0]).toMatchObject({ attempt: 1, exitCode: 137 });
    expect(parts.of('chunk.completed')).toMatchObject([{ attempt: 2, files: 1 }]);
    expect(parts.of('scan.completed')[0]).toMatchObject({ outcome: 'complete', files: 1 });
  });

  test('that stalls is reported, and restarted when asked', async () => {
    let attempts = 0;
    const script: Script = async (worker) => {
      attempts += 1;
      if (attempts > 1) return diligent(worker);
      const writer = await worker.open();
      await worker.signalled();
      await writer.close();
      return { exitCode: 143 };
    };
    const { of, completed } = await run({
      ...oneChunk,
      script,
      supervision: { stallMs: 200, stallAction: 'restart' },
    });
    expect(of('stall.detected')[0]).toMatchObject({ chunk: 1, attempt: 1, action: 'restart' });
    expect(of('chunk.failed')[0]?.reason).toContain('stall');
    expect(completed?.outcome).toBe('complete');
  });
});

test('a subdirectory that was gone before any chunk had it is missed: its parent is listed again', async () => {
  const script: Script = async (worker) => {
    const { task } = worker;
    if (task.attempt > 1) return diligent(worker);
    const writer = await worker.open();
    const batch = batchOf(task, '/m', ['a']);
    const directories = batch.directories.map((each) => ({ ...each, entries: 2, subdirectories: 1 }));
    await writer.append('files.batch', { ...batch, directories });
    const totals = { files: 1, directories: 1, bytes: 10, problems: 0 };
    await writer.append('chunk.scanned', { chunk: 1, attempt: 1, ...totals });
    await writer.close();
    return {};
  };
  const { completed, engine, of } = await run({ ...oneChunk, script });
  expect(engine.launches).toHaveLength(2);
  expect(await readTask(engine.launches[1]?.taskFile ?? '')).toMatchObject({ attempt: 2, again: ['/m'] });
  expect(of('chunk.completed').at(-1)).toMatchObject({
    files: 1,
    coverage: { subdirectories: 0, entered: 1 },
  });
  expect(completed).toMatchObject({ outcome: 'complete', files: 1, directories: 1 });
});

describe('workers', () => {
  test('never run more than allowed at once', async () => {
    let running = 0;
    let most = 0;
    const script: Script = async (worker) => {
      most = Math.max(most, ++running);
      const exit = await diligent(worker);
      running -= 1;
      return exit;
    };
    await run({
      script,
      steps: [chunkOf('/m'), chunkOf('/m/a'), chunkOf('/m/b'), chunkOf('/m/c'), chunkOf('/m/d')],
    });
    expect(most).toBe(2);
  });

  test('share what they have not begun when slots stand idle', async () => {
    const script: Script = async (worker) => {
      if (worker.task.chunk !== 1) return diligent(worker);
      const writer = await worker.open();
      await writer.append('files.batch', { ...batchOf(worker.task, '/m', []), directories: [] });
      expect(await worker.signalled()).toBe('SIGUSR2');
      const remaining = ['/m/x', '/m/y'].map((path) => ({ path, scope: 'subtree' as const }));
      // It says so in as many records as that takes.
      for (const root of remaining)
        await writer.append('chunk.yielded', { chunk: 1, attempt: 1, remaining: [root] });
      await writer.append('chunk.scanned', {
        chunk: 1,
        attempt: 1,
        files: 0,
        directories: 0,
        bytes: 0,
        problems: 0,
      });
      await writer.close();
      return {};
    };
    const { of, completed } = await run({ ...oneChunk, script, supervision: { splitAfterMs: 100 } });
    expect(of('chunk.split')).toEqual([{ chunk: 1, into: [2, 3] }]);
    expect(of('chunk.planned').map((planned) => planned.reason)).toEqual(['sized', 'split', 'split']);
    expect(completed).toMatchObject({ outcome: 'complete', files: 2, chunks: { planned: 3, completed: 3 } });
  });

  test('are stopped in order, killed when they do not listen, and their chunks go on in the next run', async () => {
    const script: Script = async (worker) => {
      const writer = await worker.open();
      await writer.append('files.batch', batchOf(worker.task, worker.task.roots[0]?.path as string, ['a']));
      if (worker.task.chunk === 2) while ((await worker.signalled()) !== 'SIGKILL');
      else await worker.signalled().then(() => writer.close());
      return worker.task.chunk === 2 ? { exitCode: 137, signal: 'SIGKILL' } : { exitCode: 143 };
    };
    const parts = await setUp({ script, supervision: { graceMs: 1000 } });
    const ended = parts.scanner.run();
    await expect.poll(() => parts.engine.running.size).toBe(2);
    parts.scanner.interrupt('SIGINT');
    expect(await ended).toBe('interrupted');
    await parts.journal.close();
    expect(parts.of('scan.interrupted')).toEqual([{ signal: 'SIGINT' }]);
    expect(parts.of('chunk.failed')).toEqual([]);
    expect(parts.of('scan.completed')).toEqual([]);
    expect(parts.engine.running.size).toBe(0);

    const again = await run({ scan: parts.scan });
    expect(again.completed).toMatchObject({ outcome: 'complete', chunks: { planned: 2, completed: 2 } });
    expect(again.engine.launches.map((launch) => launch.attempt)).toEqual([2, 2]);
  });

  test('that vanish from the engine are noticed when it is back', async () => {
    let attempts = 0;
    const script: Script = async (worker) => {
      attempts += 1;
      return attempts === 1 ? new Promise(() => undefined) : diligent(worker);
    };
    const parts = await setUp({ ...oneChunk, script });
    const ended = parts.scanner.run();
    await expect.poll(() => parts.types().includes('container.started')).toBe(true);
    parts.engine.emit({ kind: 'lost', detail: 'no answer' });
    parts.engine.running.clear();
    parts.engine.emit({ kind: 'regained', seconds: 3 });
    await ended;
    expect(parts.of('docker.lost')).toHaveLength(1);
    expect(parts.of('docker.regained')).toEqual([{ seconds: 3 }]);
    expect(parts.of('container.exited')[0]).toMatchObject({ exitCode: null });
    expect(parts.of('scan.completed')[0]?.outcome).toBe('complete');
  });

  test('that end while the engine goes away have their true exit asked for when it is back', async () => {
    const script = failing(1, { exitCode: 137, signal: 'SIGKILL', oomKilled: true, logTail: ['last words'] });
    const parts = await setUp({ ...oneChunk, script });
    parts.engine.away = new EngineError('unreachable', 'the connection broke');
    const ended = parts.scanner.run();
    await expect
      .poll(() => [...parts.engine.running.values()].map((each) => each.seen.phase))
      .toEqual(['exited']);
    parts.engine.emit({ kind: 'lost', detail: 'no answer' });
    await new Promise((resume) => setTimeout(resume, 400));
    expect(parts.of('container.exited')).toEqual([]);
    parts.engine.away = null;
    parts.engine.emit({ kind: 'regained', seconds: 1 });
    await ended;
    expect(parts.of('container.exited')[0]).toMatchObject({ oomKilled: true, logTail: ['last words'] });
    expect(parts.of('chunk.failed')[0]).toMatchObject({ reason: 'killed: out of memory', willRetry: true });
    expect(parts.of('scan.completed')[0]?.outcome).toBe('complete');
  });

  test('that ended while the engine was away are settled when that is back, and not before', async () => {
    let passedMs = 0;
    const parts = await setUp({ ...oneChunk, now: () => Date.now() + passedMs });
    parts.engine.silent = true;
    const ended = parts.scanner.run();
    await expect
      .poll(() => [...parts.engine.running.values()].map((each) => each.seen.phase))
      .toEqual(['exited']);
    parts.engine.emit({ kind: 'lost', detail: 'no answer' });
    passedMs = 60_000; // its list answers already, and is due
    await new Promise((resume) => setTimeout(resume, 300));
    expect(parts.of('container.exited')).toEqual([]);
    parts.engine.emit({ kind: 'regained', seconds: 60 });
    expect(await ended).toBe('completed');
    expect(parts.of('docker.regained')).toHaveLength(1);
  });

  test('are left to the next coordinator when the engine stays away, even if it comes back just then', async () => {
    let passedMs = 0;
    const parts = await setUp({ ...oneChunk, now: () => Date.now() + passedMs });
    parts.engine.silent = true;
    const ended = parts.scanner.run();
    await expect.poll(() => parts.engine.running.size).toBe(1);
    await expect.poll(() => parts.of('container.started')).toHaveLength(1);
    parts.engine.emit({ kind: 'lost', detail: 'no answer' });
    passedMs = 600_001;
    await expect.poll(() => parts.scanner.attempts).toEqual([]);
    parts.engine.emit({ kind: 'regained', seconds: 600 });
    expect(await ended).toBe('completed');
    expect(parts.of('scan.completed')[0]?.outcome).toBe('incomplete');
    expect(parts.engine.removed).toEqual([]);
  });

  test('are left to the next coordinator when the scan is stopped while the engine is away', async () => {
    const script: Script = async (worker) => {
      const writer = await worker.open();
      await worker.signalled();
      await writer.close();
      return { exitCode: 143 };
    };
    const parts = await setUp({ ...oneChunk, script, supervision: { graceMs: 100 } });
    const ended = parts.scanner.run();
    await expect.poll(() => parts.types().includes('container.started')).toBe(true);
    parts.engine.away = new EngineError('unreachable', 'the connection broke');
    parts.engine.emit({ kind: 'lost', detail: 'no answer' });
    await expect.poll(() => parts.types().includes('docker.lost')).toBe(true);
    parts.scanner.interrupt('SIGTERM');
    expect(await ended).toBe('interrupted');
    await parts.journal.close();
    expect(parts.types()).not.toContain('container.exited');
    expect(parts.types()).not.toContain('writer.settled');
    expect(parts.engine.removed).toEqual([]);
  });
});

test('a worker that a stopping scan has requested and does not start has an end all the same', async () => {
  const parts = await setUp(oneChunk);
  const ended = parts.scanner.run();
  // Told while the request is on its way to the disk.
  while (parts.journal.state.chunks.get(1)?.status !== 'running') await setImmediate();
  parts.scanner.interrupt('SIGINT');
  expect(await ended).toBe('interrupted');
  await parts.journal.close();
  expect(parts.engine.launches).toEqual([]);
  expect(parts.of('container.requested')).toHaveLength(1);
  expect(parts.of('container.start-failed')).toMatchObject([
    { chunk: 1, attempt: 1, name: 'fake-1-1', reason: 'stopped' },
  ]);
  const again = await run({ scan: parts.scan });
  expect(again.of('container.start-failed')).toEqual([]);
  expect(again.completed).toMatchObject({ outcome: 'complete', chunks: { planned: 1, completed: 1 } });
});

describe('a container that does not end even on SIGKILL', () => {
  /** Its worker does all it should, writes the lines, and leaves a process behind that hangs in the kernel. */
  async function runHeld(...lines: string[]) {
    const script: Script = async (worker) => {
      await diligent(worker);
      worker.log.push(...lines);
      return new Promise(() => undefined);
    };
    return run({ ...oneChunk, script, supervision: { graceMs: 100 } });
  }

  test('costs nothing where its worker said that it has ended well', async () => {
    const { of, engine, completed } = await runHeld('scanned: all', 'ended with exit code 0');
    expect(of('container.exited')).toMatchObject([
      { exitCode: 0, error: expect.stringMatching(/stuck in the kernel/) as string },
    ]);
    expect(of('chunk.failed')).toEqual([]);
    expect(completed).toMatchObject({ outcome: 'complete', files: 1 });
    expect(engine.removed).toEqual([]); // the engine could only wait for it, too
  });

  test('leaves its chunk to the next run where nobody knows how its worker ended', async () => {
    const { of, completed } = await runHeld('scanned: all');
    expect(of('container.exited')).toMatchObject([{ exitCode: null, logTail: ['scanned: all'] }]);
    expect(of('chunk.failed')).toMatchObject([{ willRetry: false }]);
    expect(completed).toMatchObject({ outcome: 'incomplete' });
  });
});

describe('a worker that was killed for memory', () => {
  const subdirectories = { '/m': ['/m/a', '/m/b'], '/m/a': ['/m/a/c'] };
  const steps = [chunkOf('/m/a', '/m/b'), chunkOf('/m')];
  const exit = { exitCode: 137, signal: 'SIGKILL', oomKilled: true };

  test.each([
    ['anything', () => Promise.resolve()],
    ['a directory', (worker: Parameters<Script>[0]) => worker.open()],
  ])('before it recorded %s costs its retries, and its chunk is not cut', async (_, begin) => {
    const script: Script = async (worker) => {
      if (worker.task.chunk === 2) return diligent(worker);
      await begin(worker);
      return exit;
    };
    const { of, completed, engine } = await run({ script, steps, subdirectories });
    expect(of('chunk.split')).toEqual([]);
    expect(engine.launches.filter(({ chunk }) => chunk === 1).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(of('chunk.failed').map(({ willRetry }) => willRetry)).toEqual([true, false]);
    const chunks = { planned: 2, completed: 1, failed: 1 };
    expect(completed).toMatchObject({ outcome: 'incomplete', chunks });
  });

  test('after it recorded some has what is left cut; a chunk that was cut is no longer planned, nor completed', async () => {
    const script: Script = async (worker) => {
      if (worker.task.chunk !== 1) return diligent(worker);
      const writer = await worker.open();
      await writer.append('files.batch', batchOf(worker.task, '/m/b', ['a']));
      return exit;
    };
    const { of, completed } = await run({ script, steps, subdirectories });
    expect(of('chunk.split')).toEqual([{ chunk: 1, into: [3, 4] }]);
    expect(completed).toMatchObject({
      outcome: 'complete',
      chunks: { planned: 3, completed: 3, failed: 0, split: 1 },
    });
  });
});

describe('containers of a dead coordinator', () => {
  /** The journal of a coordinator that died while the first attempt at its only chunk ran, or before it started. */
  async function deadScan(started = true): Promise<string> {
    const scan = ulid();
    const writer = await JournalWriter.open(asCoordinator(join(dataDir, 'journal'), scan));
    const which = { chunk: 1, attempt: 1, name: 'fake-1-1' };
    const options = {};
    await writer.append('scan.started', { mountPath: '/m', mountName: 'M', engine: 'docker', options, host });
    const roots = [{ path: '/m', scope: 'files' as const }];
    const plan = { roots, reason: 'sized' as const, estimatedFiles: 1, estimatedBytes: 10 };
    await writer.append('chunk.planned', { chunk: 1, ...plan });
    await writer.append('plan.finished', { chunks: 1 });
    await writer.append('container.requested', { ...which, image: 'fake', command: '' });
    if (started) await writer.append('container.started', { ...which, id: 'gone' });
    await writer.close();
    return scan;
  }

  test('that somebody removed get an exit that nobody knows, and are tried again', async () => {
    const { of, completed, types } = await run({ scan: await deadScan() });
    const [exited] = of('container.exited');
    expect(exited).toMatchObject({ chunk: 1, attempt: 1, name: 'fake-1-1', id: 'gone', exitCode: null });
    expect(exited?.error).toMatch(/somebody removed it/);
    expect(of('chunk.failed')).toMatchObject([{ chunk: 1, attempt: 1, willRetry: true }]);
    expect(types().indexOf('container.exited')).toBeLessThan(types().indexOf('chunk.failed'));
    expect(completed).toMatchObject({ outcome: 'complete' });
  });

  test.each(['nowhere', 'made, and not started'])(
    'that were requested and are %s have an end, and are tried again',
    async (where) => {
      const parts = await setUp({ scan: await deadScan(false) });
      const seen = { id: 'made', name: 'fake-1-1', scan: parts.scan, chunk: 1, attempt: 1, phase: 'created' };
      const exit = { exitCode: 0, signal: null, oomKilled: false, error: '', logTail: [] };
      const made = { seen: seen as SeenWorker, exit, hear: () => undefined, worker: undefined as never };
      if (where !== 'nowhere') parts.engine.running.set('made', made);
      await parts.scanner.run();
      await parts.journal.close();
      expect(parts.of('container.start-failed')).toMatchObject([
        { chunk: 1, attempt: 1, name: 'fake-1-1', reason: 'coordinator-gone' },
      ]);
      expect(parts.engine.removed.includes('made')).toBe(where !== 'nowhere');
      expect(parts.of('container.requested')).toMatchObject([{ attempt: 2 }]);
      expect(parts.of('chunk.failed')).toEqual([]);
      expect(parts.of('scan.completed')).toMatchObject([{ outcome: 'complete' }]);
    },
  );

  test('are not called gone by an engine that does not answer', async () => {
    const parts = await setUp({ scan: await deadScan() });
    const list = parts.engine.list.bind(parts.engine);
    let asked = 0;
    parts.engine.list = (scan) =>
      asked++ === 0 ? Promise.reject(new EngineError('unreachable', 'no answer')) : list(scan);
    await parts.scanner.run();
    await parts.journal.close();
    expect(parts.of('container.exited').map(({ id }) => id)).not.toContain('gone');
  });

  test('that still run and belong to nothing are ended, and how they ended is journaled before they go', async () => {
    const parts = await setUp({ scan: await deadScan() });
    const exit = { exitCode: 137, signal: 'SIGKILL', oomKilled: false, error: '', logTail: ['last words'] };
    const seen = { id: 'late', name: 'fake-1-7', scan: parts.scan, chunk: 1, attempt: 7, phase: 'running' };
    const late = { seen: seen as SeenWorker, exit, hear: () => void (seen.phase = 'exited') };
    parts.engine.running.set('late', { ...late, worker: undefined as never });
    await parts.scanner.run();
    await parts.journal.close();
    expect(parts.engine.removed).toContain('late');
    const told = parts.of('container.exited').find(({ id }) => id === 'late');
    expect(told).toMatchObject({ exitCode: 137, logTail: ['last words'], swept: true });
    expect(parts.of('container.removed').map(({ id }) => id)).toContain('late');
  });
});
