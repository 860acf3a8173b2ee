import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { aboutProcess, oneObject, Place, Running, run, runJson, until } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';
import {
  catalogDigest,
  checkJournal,
  listByCatalog,
  listByFind,
  readRecords,
  sql,
} from '../support/outside.js';

/** Enough for a scan to be met in the middle. */
const FILES = 16_000;
const place = new Place();
beforeAll(() => {
  mkdirSync(place.tree);
  plantManyFiles(place.tree, FILES / 20, 20);
});
afterEach(() => {
  rmSync(place.dataDir, { recursive: true, force: true });
});
afterAll(() => {
  place.remove();
});

/** A file that takes long to read, in a directory of its own, until the test is over. */
function plantLongFile(directory: string): void {
  const folder = join(place.tree, directory);
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), '');
  truncateSync(join(folder, 'file'), 1024 ** 3);
  onTestFinished(() => rmSync(folder, { recursive: true }));
}

/** A scan that has begun to record files. */
async function underWay(...more: string[]): Promise<Running> {
  const running = new Running(place.scanArgs('--checksum', 'full', '--max-containers', '2', ...more));
  // Of the scan alone: folders beside it, as those of the preflight, may be gone before they are listed.
  await until('the first files', () => {
    const scans = existsSync(place.journal) ? place.scans().filter((name) => !name.startsWith('.')) : [];
    return scans.some((scan) => {
      const names = readdirSync(join(place.journal, scan), { recursive: true, encoding: 'utf8' });
      return names.some((name) => /worker-\d+\/.*\.ndjson$/.test(name));
    });
  });
  return running;
}

/** What a worker was given to do. */
function taskOf(worker: number): string {
  const [, file = ''] = /\0--task\0([^\0]+)/.exec(aboutProcess(worker, 'cmdline')) ?? [];
  return file === '' ? '' : readFileSync(file, 'utf8');
}

/** What every stop has to leave: a sealed journal that says so, and a catalog that agrees with it. */
function expectCleanStop(signal: string): void {
  const check = checkJournal(place.journal);
  expect(check.faults).toEqual([]);
  const [scan = ''] = place.scans();
  const interrupted = readRecords(place.journal, scan).filter((record) => record.type === 'scan.interrupted');
  expect(interrupted.map((record) => record.data['signal'])).toEqual([signal]);
  expect(check.files).toBe(Number(sql(place.catalog, 'SELECT count(*) FROM files')));
  expect(sql(place.catalog, "SELECT count(*) FROM attempts WHERE state = 'running'")).toBe('0');
}

describe('one signal stops within seconds and keeps everything recorded', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s', async (signal, code) => {
    const running = await underWay();
    const began = performance.now();
    running.child.kill(signal);
    const outcome = await running.ended;
    expect(performance.now() - began).toBeLessThan(8000);
    expect(outcome.code, outcome.stderr).toBe(code);
    expectCleanStop(signal);
    const diagnosis = await runJson(place.args('diagnose', '--offline'), 0);
    expect(diagnosis['verdict']).toBe('interrupted');
    expect((diagnosis['findings'] as { code: string }[])[0]?.code).toBe('scan.interrupted');
    const [first] = place.scans();
    const again = await runJson(place.scanArgs('--checksum', 'full'), 0);
    expect(again['scan']).toBe(first);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
    const before = catalogDigest(place.catalog);
    await runJson(place.args('replay'), 0);
    expect(catalogDigest(place.catalog)).toBe(before);
  });

  test('also where its own journal cannot be written any more', async () => {
    const running = await underWay('--json');
    const workers = running.workers();
    const [worker] = workers;
    if (worker === undefined) throw new Error('no worker runs');
    process.kill(worker, 'SIGSTOP'); // it is not over before it is stopped
    spawnSync('prlimit', ['--pid', String(running.pid), '--fsize=1']); // every write of the coordinator fails
    running.child.kill('SIGINT');
    process.kill(worker, 'SIGCONT');
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(130);
    expect(oneObject(stdout)['error']).toMatch(/^stopped by SIGINT; cannot write the journal at /);
    // They end when they notice that the coordinator has: what they still write is not for the next test.
    await until('the end of its workers', () => workers.every((pid) => aboutProcess(pid, 'cmdline') === ''));
    expect(checkJournal(place.journal, { crashed: true }).faults).toEqual([]);
  });

  test('to the whole process group, as Ctrl-C does it', async () => {
    const running = await underWay();
    for (const pid of [running.pid, ...running.workers()]) process.kill(pid, 'SIGINT');
    expect((await running.ended).code).toBe(130);
    expectCleanStop('SIGINT');
  });

  test('--json gives its object also when interrupted', async () => {
    const running = await underWay('--json');
    running.child.kill('SIGINT');
    const outcome = await running.ended;
    expect(outcome.code).toBe(130);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: 'incomplete', scan: place.scans()[0] });
  });
});

describe('a signal before the scan has begun', () => {
  test('ends it at once; --json says so', async () => {
    const socket = join(place.root, 'silent.sock');
    const silent = createServer().listen(socket);
    const connected = once(silent, 'connection');
    const args = ['scan', place.tree, 'Early', '--data-dir', place.dataDir, '--engine', 'docker', '--json'];
    const running = new Running(args, { env: { DOCKER_HOST: `unix://${socket}` } });
    await connected; // the engine is asked for before the journal is opened
    running.child.kill('SIGINT');
    const outcome = await running.ended;
    silent.close();
    expect(outcome.code).toBe(130);
    expect(oneObject(outcome.stdout)).toHaveProperty('error', 'stopped before the scan began');
    expect(place.scans()).toEqual([]);
  });
});

describe('two signals stop at once', () => {
  test('and the next run goes on', async () => {
    const running = await underWay();
    running.child.kill('SIGINT');
    setTimeout(() => running.child.kill('SIGINT'), 30);
    const began = performance.now();
    const outcome = await running.ended;
    expect(performance.now() - began).toBeLessThan(3000);
    expect(outcome.code).toBe(130);
    expect(checkJournal(place.journal, { crashed: true }).faults).toEqual([]);
    await runJson(place.scanArgs(), 0);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });
});

describe('one scan at a time', () => {
  test('the second gets 11, readers work, repair gets 11, and the first is not disturbed', async () => {
    const running = await underWay();
    const [scan = ''] = place.scans();
    const coordinator = join(place.journal, scan, 'coordinator', '0001-0001.ndjson');
    await until('the catalog', () => readFileSync(coordinator, 'utf8').includes('"catalog.opened"'));
    running.child.kill('SIGSTOP'); // it holds its lock for as long as the others look
    const second = await run(place.scanArgs('--json'));
    expect(second.code, second.stderr).toBe(11);
    expect(place.scans().length).toBe(1);
    expect((await run(place.args('repair'))).code).toBe(11);
    const status = await runJson(place.args('status'), 0);
    expect(status).toMatchObject({ scan: place.scans()[0], state: 'running' });
    const verify = await runJson(place.args('verify'), 0);
    expect(verify['sound']).toBe(true);
    const diagnosis = await runJson(place.args('diagnose', '--offline'), 0);
    expect(diagnosis['verdict']).toBe('running');
    const told = await run(place.args('diagnose'));
    expect(told.stdout).toMatch(/^ {2}catalog (?:follows the scan|holds all)/m);
    await runJson(place.args('replay', '--to', join(place.root, 'meanwhile.db')), 0);
    running.child.kill('SIGCONT');
    const outcome = await running.ended;
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });

  test('the catalog grows while the scan runs', async () => {
    plantLongFile('long');
    const running = await underWay();
    // One worker reads it, and is held; the other goes on with all the rest.
    const [held] = running.workers().filter((worker) => taskOf(worker).includes(join(place.tree, 'long')));
    if (held === undefined) throw new Error('nobody reads the long file');
    process.kill(held, 'SIGSTOP');
    const count = (): number => {
      const hasTable = `SELECT count(*) FROM sqlite_schema WHERE name = 'files'`;
      if (!existsSync(place.catalog) || sql(place.catalog, hasTable) !== '1') return 0;
      return Number(sql(place.catalog, 'SELECT count(*) FROM files'));
    };
    await until('rows', () => count() > 0);
    const early = count();
    expect(running.child.exitCode).toBeNull();
    process.kill(held, 'SIGCONT');
    expect((await running.ended).code).toBe(0);
    expect(early).toBeLessThan(count());
  });
});

describe('resume and fresh', () => {
  test('--fresh begins a new scan beside the unfinished one', async () => {
    const running = await underWay();
    running.child.kill('SIGINT');
    await running.ended;
    const fresh = await runJson(place.scanArgs('--fresh'), 0);
    expect(place.scans().length).toBe(2);
    expect(fresh['scan']).toBe(place.scans()[1]);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });
});

test('a worker that somebody else stops has ended badly: how far it counts is settled, and its chunk goes on', async () => {
  // One worker does all; the long file comes last, so that it is not done before it is stopped.
  plantLongFile('zz');
  const running = await underWay('--json', '--fast-start', '--max-containers', '1');
  const [id = ''] = place.scans();
  const worker = await running.firstWorker();
  await until('a batch', () => workerRecords(id).some(({ type }) => type === 'files.batch'));
  process.kill(worker, 'SIGTERM');
  const { code, stdout, stderr } = await running.ended;
  expect(code, stderr).toBe(0);
  expect(oneObject(stdout)).toMatchObject({ outcome: 'complete', files: FILES + 1 });
  const told = readRecords(place.journal, id);
  const exited = told.find(({ type, data }) => type === 'process.exited' && data['id'] === String(worker));
  expect(exited?.data).toMatchObject({ exitCode: 143 });
  const failed = told.findIndex(({ type }) => type === 'chunk.failed');
  const seal = workerRecords(id).find(({ type }) => type === 'segment.sealed');
  expect(told[failed - 1]).toMatchObject({
    type: 'writer.settled',
    data: { writer: 'worker-0001', epoch: 1, seq: seal?.seq },
  });
  expect(told.slice(0, failed).filter(({ type }) => type === 'writer.settled')).toHaveLength(1);
  expect(checkJournal(place.journal).faults).toEqual([]);
});

function workerRecords(scan: string): ReturnType<typeof readRecords> {
  return readRecords(place.journal, scan, 'worker-0001');
}
