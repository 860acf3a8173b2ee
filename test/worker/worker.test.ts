import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventData } from '../../journal/events/index.js';
import { segmentPath } from '../../journal/segments.js';
import { WriterTail } from '../../journal/tail.js';
import type { WorkerTask } from '../../src/worker/task.js';
import { until } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { scratchFolder } from '../support/scratch.js';
import { bytesKey, difference, seenByFind, WorkerPlace } from '../support/worker-run.js';

const IN_CI = process.env['CI'] === 'true';
const isRoot = process.getuid?.() === 0;
const canMount = isRoot && spawnSync('sh', ['-c', 'unshare -m true']).status === 0;

let place: WorkerPlace;
beforeEach(() => {
  place = new WorkerPlace();
  mkdirSync(place.tree);
});
afterEach(() => place.remove());
afterAll(() => {
  if (big !== '') rmSync(big, { recursive: true });
});

/** So many directories with so many files each. */
function plant(directories: number, files: number, below = place.tree): void {
  for (let directory = 0; directory < directories; directory += 1) {
    const path = join(below, `d${String(directory).padStart(4, '0')}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < files; file += 1) writeFileSync(join(path, `f${file}.txt`), String(file));
  }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** Waits until the worker has begun to record. */
async function recording(): Promise<void> {
  await until('the first segment', () => {
    try {
      return readdirSync(place.folder).some((name) => name.endsWith('.ndjson'));
    } catch {
      return false;
    }
  });
}

describe('what a worker walks', () => {
  test('files roots hold their own files, subtree roots all below', () => {
    plant(2, 2);
    writeFileSync(join(place.tree, 'loose'), 'x');
    const roots = [
      { path: place.tree, scope: 'files' as const },
      { path: join(place.tree, 'd0001'), scope: 'subtree' as const },
    ];
    expect(place.run({ roots })).toMatchObject({ code: 0 });
    const recorded = place.recorded();
    expect(recorded.files.map((file) => file.split('/').at(-1))).toEqual(['f0.txt', 'f1.txt', 'loose']);
    expect(recorded.directories.get(place.tree)).toMatchObject({ entries: 3, subdirectories: 2, others: 0 });
  });

  test('excluded entries are counted and not entered', () => {
    plant(3, 2);
    writeFileSync(join(place.tree, 'd0000', 'x.tmp'), '');
    const excludeDirectories = [join(place.tree, 'd0002')];
    expect(place.run({ exclude: ['*.tmp', 'd0001/f1*'], excludeDirectories })).toMatchObject({ code: 0 });
    const recorded = place.recorded();
    expect(recorded.directories.size).toBe(3);
    expect(recorded.directories.get(place.tree)).toMatchObject({ subdirectories: 2, excluded: 1 });
    expect(recorded.directories.get(join(place.tree, 'd0001'))).toMatchObject({ entries: 2, excluded: 1 });
    expect(recorded.files).toHaveLength(3);
  });

  test('checksums stand in the row; one that cannot be had is null, with its problem', () => {
    writeFileSync(join(place.tree, 'empty'), '');
    writeFileSync(join(place.tree, 'small'), 'content');
    expect(place.run({ checksum: 'sampled' })).toMatchObject({ code: 0 });
    const rows = place.recorded().directories.get(place.tree)?.rows ?? [];
    expect(rows.map((row) => [row[0], String(row[3]).length])).toEqual([
      ['empty', 5],
      ['small', 128],
    ]);
  });

  test.runIf(isRoot)('what may not be read is named with operation and errno, and the walk goes on', () => {
    plant(3, 1);
    chmodSync(join(place.tree, 'd0001'), 0);
    chmodSync(join(place.tree, 'd0002', 'f0.txt'), 0);
    mkdirSync(place.folder, { recursive: true });
    for (const path of [place.root, place.journalDir, join(place.folder, '..'), place.folder])
      chmodSync(path, 0o777);
    const { code } = place.run({ checksum: 'sampled' }, { uid: 65534, gid: 65534 });
    expect(code).toBe(0);
    expect(place.recorded().problems(place.tree)).toEqual([
      '/d0001/ readdir EACCES',
      '/d0002/f0.txt open EACCES',
    ]);
    expect(place.recorded().files).toHaveLength(2);
    expect(place.recorded().only('chunk.scanned')).toMatchObject({ directories: 3, problems: 2 });
  });

  test('roots that are gone or no directories are problems; the mount itself may be a symlink', () => {
    plant(1, 1);
    writeFileSync(join(place.tree, 'file'), '');
    symlinkSync('d0000', join(place.tree, 'link'));
    const roots = ['gone', 'file', 'link'].map((name) => ({
      path: join(place.tree, name),
      scope: 'subtree' as const,
    }));
    expect(place.run({ roots })).toMatchObject({ code: 0 });
    expect(place.recorded().problems(place.tree)).toEqual([
      '/file/ lstat ENOTDIR',
      '/gone/ lstat ENOENT',
      '/link/ lstat ENOTDIR',
    ]);
    rmSync(place.folder, { recursive: true });
    const link = join(place.root, 'mount');
    symlinkSync('tree', link);
    expect(place.run({ roots: [{ path: link, scope: 'subtree' }], mountPath: link })).toMatchObject({
      code: 0,
    });
    expect(place.recorded().files).toHaveLength(2);
  });

  test.runIf(canMount || IN_CI)(
    'a directory mounted into itself is not walked for ever; other mounts are crossed',
    () => {
      plant(1, 1);
      mkdirSync(join(place.tree, 'd0000/self'));
      mkdirSync(join(place.tree, 'other'));
      const self = join(place.tree, 'd0000/self');
      const other = join(place.tree, 'other');
      spawnSync('mount', ['--bind', place.tree, self]);
      spawnSync('mount', ['-t', 'tmpfs', 'none', other]);
      try {
        writeFileSync(join(other, 'on another file system'), '');
        expect(place.run()).toMatchObject({ code: 0 });
        expect(place.recorded().problems(place.tree)).toEqual(['/d0000/self/ lstat ELOOP']);
        expect(place.recorded().files).toHaveLength(2);
        expect(place.recorded().directories.get(other)).toMatchObject({ mount: 'tmpfs' });
        rmSync(place.folder, { recursive: true });
        expect(place.run({ oneFileSystem: true })).toMatchObject({ code: 0 });
        expect(place.recorded().problems(place.tree)).toEqual([]);
        expect(place.recorded().files).toHaveLength(1);
        expect(place.recorded().directories.get(place.tree)).toMatchObject({
          subdirectories: 1,
          excluded: 1,
        });
      } finally {
        spawnSync('umount', ['-l', other]);
        spawnSync('umount', ['-l', self]);
      }
    },
  );
});

/** A tree that a worker is in the middle of for a while; made once, nobody changes it. */
function bigTree(): string {
  if (big === '') {
    big = scratchFolder('big');
    plant(400, 40, big);
  }
  return big;
}
let big = '';
const below = (path: string): Partial<WorkerTask> => ({
  roots: [{ path, scope: 'subtree' }],
  mountPath: path,
});

describe('how a worker ends', () => {
  test('one that starts after a later attempt was begun writes nothing', () => {
    plant(1, 1);
    mkdirSync(place.folder, { recursive: true });
    writeFileSync(join(place.folder, 'task-2.json'), '{}');
    expect(place.run()).toMatchObject({ code: 1, output: expect.stringContaining('too late') as string });
    expect(readdirSync(place.folder).filter((name) => name.endsWith('.ndjson'))).toEqual([]);
  });

  test('SIGTERM: sealed, without chunk.scanned, exit 143; the next attempt lists only what is missing', async () => {
    const tree = bigTree();
    const child = place.start(below(tree));
    await recording();
    child.kill('SIGTERM');
    const code = await exitOf(child);
    expect([143, 0]).toContain(code);
    const first = place.recorded(1);
    expect(first.events.at(-1)?.type).toBe('segment.sealed');
    const previous = await lastOf(place);
    expect(place.run({ ...below(tree), attempt: 2, epoch: 2, previous })).toMatchObject({ code: 0 });
    const second = place.recorded(2);
    const twice = [...second.directories.keys()].filter((path) => first.directories.get(path)?.last === true);
    expect(twice).toEqual([]);
    expect(difference([...first.files, ...second.files], seenByFind(tree).files)).toEqual([]);
  });

  test('what an earlier attempt listed and is gone since is recorded as gone, with all below; links are not followed', async () => {
    plant(3, 2);
    plant(2, 1, join(place.tree, 'd0001/below'));
    plant(1, 1, join(place.tree, 'd0002'));
    expect(place.run()).toMatchObject({ code: 0 });
    rmSync(join(place.tree, 'd0001'), { recursive: true });
    rmSync(join(place.tree, 'd0002'), { recursive: true });
    symlinkSync('d0000', join(place.tree, 'd0002'));
    const roots = [
      { path: place.tree, scope: 'files' as const },
      ...['d0000', 'd0001', 'd0002'].map((name) => ({
        path: join(place.tree, name),
        scope: 'subtree' as const,
      })),
    ];
    const previous = await lastOf(place);
    expect(place.run({ attempt: 2, epoch: 2, previous, roots })).toMatchObject({ code: 0 });
    const second = place.recorded(2);
    expect(second.files).toEqual([]);
    const gone = ['d0001', 'd0001/below', 'd0001/below/d0000', 'd0001/below/d0001'];
    for (const path of gone) {
      const found = second.directories.get(join(place.tree, path));
      expect(found, path).toMatchObject({ last: true, entries: 0, subdirectories: 0, vanished: true });
    }
    expect(second.problems(place.tree)).toEqual(['/d0002/ lstat ENOTDIR']);
    expect(second.directories.size).toBe(gone.length + 1);
  });

  test('SIGUSR2: what is in hand is finished, the rest given away, exit 0', async () => {
    const tree = bigTree();
    const child = place.start(below(tree));
    await recording();
    child.kill('SIGUSR2');
    expect(await exitOf(child)).toBe(0);
    const recorded = place.recorded();
    const gaveAway = recorded.events.find((event) => event.type === 'chunk.yielded');
    const { remaining } = (gaveAway?.data ?? { remaining: [] }) as EventData<'chunk.yielded'>;
    const all = seenByFind(tree).files;
    // Asked before it had listed the tree itself, it gives that away whole.
    const left = all.filter((entry) => {
      const path = entry.slice(entry.indexOf('/'));
      const directory = path.slice(0, path.lastIndexOf('/'));
      return remaining.some(({ path: root, scope }) =>
        scope === 'subtree' ? path.startsWith(`${bytesKey(root)}/`) : directory === bytesKey(root),
      );
    });
    expect(difference([...recorded.files, ...left], all)).toEqual([]);
    expect(recorded.only('chunk.scanned')).toMatchObject({ files: recorded.files.length });
  });

  test('a worker whose coordinator is gone stops', async () => {
    const child = place.start(below(bigTree()), { env: { NAS_SCANNER_PARENT: '1' } });
    await recording();
    child.stdin?.destroy();
    expect([143, 0]).toContain(await exitOf(child));
    expect(place.recorded().events.at(-1)?.type).toBe('segment.sealed');
  });

  test('a task that makes no sense is exit 2', () => {
    expect(place.run({ roots: 'nothing' as never })).toMatchObject({ code: 2 });
  });
});

describe.runIf(canMountFuse || IN_CI)('a slow or dying mount', () => {
  async function mounted<T>(faults: Record<string, string>, work: (point: string) => T): Promise<T> {
    const mount = await LatencyMount.open(place.tree, join(place.root, 'mount'), faults);
    try {
      return work(mount.point);
    } finally {
      mount.close();
    }
  }

  function walked(point: string, ioTimeoutMs = 60_000): { code: number | null } {
    return place.run({ mountPath: point, roots: [{ path: point, scope: 'subtree' }], ioTimeoutMs });
  }

  test('is not listed where another one was promised', async () => {
    plant(1, 1);
    await mounted({}, (point) => {
      const roots = [{ path: point, scope: 'subtree' as const }];
      expect(place.run({ mountPath: point, mountDevice: '1', roots })).toMatchObject({ code: 0 });
    });
    expect(place.recorded().files).toEqual([]);
    expect([...place.recorded().directories.values()]).toMatchObject([
      { last: false, problems: [{ name: '', operation: 'lstat', code: 'ESTALE' }] },
    ]);
  });

  test('is listed with many directories at once', async () => {
    plant(60, 10);
    await mounted({ LATENCY_MS: '2' }, (point) => {
      expect(walked(point)).toMatchObject({ code: 0 });
      const names = (files: string[]): string[] => files.map((file) => file.slice(file.indexOf('/d')));
      expect(difference(names(place.recorded().files), names(seenByFind(place.tree).files))).toEqual([]);
    });
    const tuned = place.recorded().events.filter(({ type }) => type === 'walk.tuned');
    const { directoriesAtOnce } = tuned.at(-1)?.data as EventData<'walk.tuned'>;
    expect(directoriesAtOnce).toBeGreaterThan(4);
  });

  test('a directory that hangs is named, and costs itself only', async () => {
    plant(20, 3);
    mkdirSync(join(place.tree, 'd0007/sub/hang'), { recursive: true });
    writeFileSync(join(place.tree, 'd0007/sub/hang/f'), '');
    await mounted({ LATENCY_MS: '1', LATENCY_HANG: 'hang' }, (point) => {
      expect(walked(point, 1000)).toMatchObject({ code: 0 });
      expect(place.recorded().problems(point)).toEqual(['/d0007/sub/hang/ lstat ETIMEDOUT']);
      expect(place.recorded().files).toHaveLength(60);
    });
  });

  test('what the kernel holds up beside it is given up together, soon, and named; its parent is recorded', async () => {
    plant(40, 1);
    writeFileSync(join(place.tree, 'loose'), '');
    mkdirSync(join(place.tree, 'd0029hang'));
    await mounted({ LATENCY_MS: '1', LATENCY_HANG: 'hang' }, (point) => {
      const startedAtMs = performance.now();
      expect(walked(point, 500)).toMatchObject({ code: 0 });
      // In flight, and once more when all else is done; one after the other would take four times as long.
      expect(performance.now() - startedAtMs).toBeLessThan(5000);
      const recorded = place.recorded();
      expect(recorded.directories.get(point)).toMatchObject({ last: true, entries: 42, subdirectories: 41 });
      const named = recorded.problems(point).map((line) => line.replace(/ .*/, ''));
      expect(named).toContain('/d0029hang/');
      const listed = [...recorded.directories].filter(([, { last }]) => last).map(([path]) => path);
      // Nothing is missed in silence, and what was looked up before it is there.
      expect(named.length + listed.length).toBe(42);
      expect(listed.length).toBeGreaterThan(10);
    });
  });

  test('a file and a directory that fail are named', async () => {
    plant(3, 2);
    mkdirSync(join(place.tree, 'd0001/bad'));
    writeFileSync(join(place.tree, 'd0002/bad.jpg'), '');
    await mounted({ LATENCY_MS: '1', LATENCY_EIO: 'bad' }, (point) => {
      expect(walked(point)).toMatchObject({ code: 0 });
      expect(place.recorded().problems(point)).toEqual(['/d0001/bad/ lstat EIO', '/d0002/bad.jpg lstat EIO']);
      expect(place.recorded().files).toHaveLength(6);
    });
  });
});

/** The last valid record of the first epoch. */
async function lastOf({ journalDir }: WorkerPlace): Promise<EventData<'segment.opened'>['previous']> {
  const { scan, writer } = place.task();
  const tail = new WriterTail({ journalDir, scan, writer });
  while ((await tail.poll('valid')).length > 0);
  const { position } = tail;
  await tail.close();
  if (position === null)
    throw new Error(`nothing in ${segmentPath(journalDir, { scan, writer, epoch: 1, segment: 1 })}`);
  const { epoch, segment, seq, crc } = position;
  return { epoch, segment, seq, crc };
}
