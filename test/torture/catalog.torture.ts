import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, runJson, Running, until } from '../support/cli.js';
import { LatencyMount } from '../support/latency-mount.js';
import { checkJournal, listByCatalog, listByFind, sql } from '../support/outside.js';
import { fillDisk, ReaderLoop, TroubledPlace } from '../support/troubled-place.js';

const FILES = 6000;
let place: TroubledPlace;

beforeEach(() => {
  place = new TroubledPlace(300, FILES / 300);
});
afterEach(() => {
  place.remove();
});

const opened = (): boolean => place.told().length > 0;
const codes = async (): Promise<string[]> => {
  const { findings } = await runJson(place.args('diagnose', '--offline'), 0);
  return (findings as { code: string }[]).map(({ code }) => code);
};

/** The scan's outcome stands though its catalog is behind, and a replay heals it. */
async function expectBehind(running: Running, heal: () => void): Promise<void> {
  const outcome = await running.ended;
  expect(outcome.code, outcome.stderr).toBe(1);
  expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: 'complete', files: FILES, problems: 0 });
  expect(checkJournal(place.journal).faults).toEqual([]);
  expect(await codes()).toContain('catalog.behind');
  heal();
  await runJson(place.args('replay'), 0);
  expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
}

describe('readers', () => {
  test('a loop of sqlite3 never fails through scan, scan and replay', async () => {
    const loop = new ReaderLoop(place);
    await place.expectWhole(await run(place.quickScan()));
    await place.expectWhole(await run(place.quickScan('--checksum', 'full')));
    expect(await loop.stop()).toBe('');
    expect(loop.reads).toBeGreaterThan(20);
    expect(place.told()).toEqual(['opened wal']);
  });

  test('one in the middle of a long transaction holds nothing up, and sees what it saw', async () => {
    await runJson(place.quickScan(), 0);
    const reader = await place.hold('BEGIN; SELECT count(*) FROM files;\n', '-readonly');
    await place.expectWhole(await run(place.quickScan()));
    reader.stdin?.write('SELECT count(*) FROM files;\n');
    const answer = await new Promise((resolve) => reader.stdout?.once('data', resolve));
    expect(String(answer).trim()).toBe(String(FILES));
  });

  test('one that keeps a rollback journal from committing: the catalog catches up when it is gone', async () => {
    const source = join(place.root, 'source');
    mkdirSync(source);
    const fuse = await LatencyMount.open(source, place.dataDir, { LATENCY_MS: '0', LATENCY_WRITE: '1' });
    try {
      await runJson(place.quickScan(), 0);
      const reader = await place.hold('BEGIN; SELECT count(*) FROM files;\n', '-readonly');
      const running = new Running(place.quickScan());
      await until('the scan', () => place.scans().length === 2);
      await sleep(7000);
      reader.stdin?.end('COMMIT;\n');
      await place.expectWhole(await running.ended);
    } finally {
      fuse.close();
    }
  });
});

describe('a lock', () => {
  test('held for longer than a statement waits: the catalog catches up when it is gone', async () => {
    await runJson(place.quickScan(), 0);
    const holder = await place.hold("BEGIN EXCLUSIVE; SELECT 'held';\n");
    const running = new Running(place.quickScan());
    await until('the scan', () => place.scans().length === 2);
    await sleep(2500);
    holder.stdin?.end('ROLLBACK;\n');
    await place.expectWhole(await running.ended);
  });
});

describe('a disk', () => {
  test('full under the catalog to the end: the outcome stands, exit 1, and replay heals it', async () => {
    place.onSmallDisk();
    const running = new Running(place.quickScan());
    await until('the catalog', opened);
    const ballast = fillDisk(place.dataDir);
    await expectBehind(running, () => {
      expect(place.told()).toContain('troubled catalog.unwritable');
      rmSync(ballast);
    });
  });
});

describe('the file itself', () => {
  const seal = (flag: '+i' | '-i'): void => {
    // Not its shared memory: a page of that which cannot be written is a SIGBUS for every program that maps it.
    spawnSync('chattr', [flag, place.catalog, `${place.catalog}-wal`]);
  };

  test('made read-only and writable again: the catalog catches up', async () => {
    const running = new Running(place.quickScan());
    await until('the catalog', opened);
    seal('+i');
    try {
      await until('the trouble', () => place.told().includes('troubled catalog.unwritable'));
    } finally {
      seal('-i');
    }
    await place.expectWhole(await running.ended);
  });

  test('read-only to the end: the outcome stands, exit 1, and replay heals it', async () => {
    const running = new Running(place.quickScan());
    await until('the catalog', opened);
    seal('+i');
    try {
      await expectBehind(running, () => {
        seal('-i');
      });
    } finally {
      seal('-i');
    }
  });

  test('made by a newer program: it is left as it is: the outcome stands, exit 1, and it is said', async () => {
    await runJson(place.quickScan(), 0);
    spawnSync('sqlite3', [place.catalog, 'PRAGMA user_version = 99']);
    const { code, stdout, stderr } = await run(place.quickScan());
    expect(code, stderr).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'complete' });
    expect(stderr).toContain('made by a newer program (catalog version 99');
    expect(sql(place.catalog, 'PRAGMA user_version')).toBe('99');
    const refused = await run(place.args('replay'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('made by a newer program (catalog version 99');
  });

  test('deleted again and again: the catalog is whole in the end', async () => {
    const running = new Running(place.quickScan('--checksum', 'full'));
    for (let times = 0; times < 5 && running.child.exitCode === null; times += 1) {
      await until(
        'the catalog',
        () => opened() && statSync(place.catalog, { throwIfNoEntry: false }) !== undefined,
      );
      for (const end of ['', '-wal', '-shm']) rmSync(place.catalog + end, { force: true });
      await sleep(300);
    }
    const outcome = await running.ended;
    expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: 'complete', files: FILES });
    if (outcome.code === 1) await runJson(place.args('replay'), 0);
    else expect(outcome.code, outcome.stderr).toBe(0);
    expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
  });

  test.each([0, 1, 2])(
    'overwritten with garbage (%i): never a wrong row that nobody tells of',
    async (where) => {
      const running = new Running(place.quickScan('--checksum', 'full'));
      await until('the catalog', opened);
      const grown = (): boolean =>
        (statSync(`${place.catalog}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 100_000;
      await until('its first rows', grown);
      const file = openSync(place.catalog, 'r+');
      writeSync(file, Buffer.alloc(100_000, 'garbage'), 0, 100_000, where * 100_000);
      closeSync(file);
      const outcome = await running.ended;
      expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: 'complete', files: FILES });
      expect([0, 1]).toContain(outcome.code);
      if (outcome.code === 1) await runJson(place.args('replay'), 0);
      expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
      expect(spawnSync('sqlite3', [place.catalog, 'PRAGMA integrity_check']).stdout.toString().trim()).toBe(
        'ok',
      );
    },
  );
});
