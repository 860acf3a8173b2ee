import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../support/cli.js';
import { WorkerPlace } from '../support/worker-run.js';

const DIRECTORIES = 60;
const STABLE_FILES = 10;
const LOWERED = 10;
const AUTOGROUP = '/proc/self/autogroup';
/** What may be said of a file that went or changed while it was looked at. */
const FLEETING = /(lstat|open|read) (ENOENT|EAGAIN|ENOTDIR)$|(lstat|readdir) (ENOENT|ESTALE)$/;

let place: WorkerPlace;
let others: ChildProcess[];
beforeEach(() => {
  others = [];
  place = new WorkerPlace();
  for (let directory = 0; directory < DIRECTORIES; directory += 1) {
    const path = join(place.tree, `d${directory}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < STABLE_FILES; file += 1)
      writeFileSync(join(path, `stable${file}`), `${directory} ${file}`);
  }
});
afterEach(() => {
  for (const child of others) child.kill('SIGKILL');
  place.remove();
});

/** Makes, fills, cuts, renames and removes files and folders of the tree for as long as it lives. */
const RESTLESS = `
  import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
  const tree = process.argv[1];
  for (let turn = 0; ; turn += 1) {
    const path = tree + '/d' + (turn * 7) % ${DIRECTORIES} + '/wild' + turn % 5;
    rmSync(path, { recursive: true, force: true });
    if (turn % 3 === 0) {
      mkdirSync(path);
      writeFileSync(path + '/inside', 'x'.repeat(turn % 5000));
    } else {
      writeFileSync(path, 'y'.repeat(100000));
      if (turn % 2 === 0) truncateSync(path, 10);
      else appendFileSync(path, 'more');
      if (turn % 5 === 0) renameSync(path, path + '-renamed');
    }
    if (turn === 1000) console.log('begun');
  }`;

test('files and folders that come, go and change meanwhile cost nobody else anything', async () => {
  const restless = spawn(process.execPath, ['--input-type=module', '-e', RESTLESS, place.tree], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  others.push(restless);
  await once(restless.stdout, 'data');
  expect(place.run({ checksum: 'sampled' })).toMatchObject({ code: 0 });
  restless.kill('SIGKILL');
  const recorded = place.recorded();
  expect(recorded.problems(place.tree).filter((line) => !FLEETING.test(line))).toEqual([]);
  const seen = new Set<string>();
  for (const [path, directory] of recorded.directories) {
    if (!directory.last) continue;
    const { rows, problems, entries = -1, subdirectories = 0, others: rest = 0, excluded = 0 } = directory;
    const named = new Set([...rows.map(([name]) => name), ...problems.map(({ name }) => name)]);
    expect(named.size + subdirectories + rest + excluded, path).toBe(entries);
    for (const [name, , , checksum] of rows) {
      if (!String(name).startsWith('stable')) continue;
      const [, number = ''] = /d(\d+)$/.exec(path) ?? [];
      const content = `${number} ${String(name).slice('stable'.length)}`;
      expect(checksum).toBe(createHash('blake2b512').update(content).digest('hex'));
      seen.add(`${path}/${String(name)}`);
    }
  }
  expect(seen.size).toBe(DIRECTORIES * STABLE_FILES);
});

test.each([true, false])('low priority %s holds for every thread', async (nice) => {
  // What keeps it busy for long enough.
  truncateSync(join(place.tree, 'd0/stable0'), 3 * 1024 ** 3);
  const child = place.start({ nice, checksum: 'full' });
  others.push(child);
  const pid = child.pid ?? 0;
  const tasks = (): number[] => readdirSync(`/proc/${pid}/task`).map(Number);
  // The listing thread is the one that is there only once the walk has begun.
  await until('the walk', () => readdirSync(place.folder).some((name) => name.endsWith('.ndjson')), 20_000);
  child.kill('SIGSTOP');
  const priorities = tasks().map((task) => getPriority(task));
  child.kill('SIGCONT');
  expect(priorities.length).toBeGreaterThan(4);
  expect(new Set(priorities)).toEqual(new Set([nice ? LOWERED : getPriority(process.pid)]));
  child.kill('SIGTERM');
  await once(child, 'exit');
});

test.skipIf(!existsSync(AUTOGROUP)).each([
  ['of its own: the whole of it is lowered', true],
  ['of somebody else: that stays as it is', false],
])('low priority in a session %s', async (_whose, detached) => {
  truncateSync(join(place.tree, 'd0/stable0'), 3 * 1024 ** 3);
  // Empty where nobody has begun a session since the kernel's own (some containers).
  const before = readFileSync(AUTOGROUP, 'utf8');
  const child = place.start({ nice: true, checksum: 'full' }, { detached });
  others.push(child);
  await until('the walk', () => readdirSync(place.folder).some((name) => name.endsWith('.ndjson')), 20_000);
  const group = (): string => readFileSync(`/proc/${child.pid ?? 0}/autogroup`, 'utf8');
  if (detached) await until('low priority', () => group().trim().endsWith(` nice ${LOWERED}`));
  else expect(group()).toBe(before);
  child.kill('SIGTERM');
  await once(child, 'exit');
});

const NOBODY = 65534;
test.skipIf(!existsSync(AUTOGROUP) || process.getuid?.() !== 0)(
  'workers of a user who is not root that start together all get low priority',
  async () => {
    const places = Array.from({ length: 4 }, () => new WorkerPlace());
    try {
      const workers = places.map((each) => {
        mkdirSync(each.tree, { recursive: true });
        writeFileSync(join(each.tree, 'long'), '');
        truncateSync(join(each.tree, 'long'), 8 * 1024 ** 3);
        return each.start({ nice: true, checksum: 'full' }, { detached: true, uid: NOBODY });
      });
      others.push(...workers);
      const groups = (): string[] =>
        workers.map(({ pid = 0 }) => readFileSync(`/proc/${pid}/autogroup`, 'utf8').trim());
      await until('low priority for all', () =>
        groups().every((group) => group.endsWith(` nice ${LOWERED}`)),
      );
      for (const worker of workers) worker.kill('SIGKILL');
      await Promise.all(workers.map((worker) => once(worker, 'exit')));
    } finally {
      for (const each of places) each.remove();
    }
  },
);
