import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AdvisedPlace } from '../support/advice.js';
import { run, until, type Running } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';
import { readRecords } from '../support/outside.js';

// Troubles of the mount and of the scan's own processes, made for real: the right finding first and none beside it, and
// then its advice is followed to the letter.

vi.setConfig({ testTimeout: 180_000 });

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
const AS_NOBODY = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups`;
let place: AdvisedPlace;
/** Of the tests of a journal after its scan. */
const scanned = new AdvisedPlace();

beforeEach(() => {
  place = new AdvisedPlace();
});
afterEach(async () => {
  await place.stop();
  spawnSync('umount', ['-l', place.tree], { stdio: 'ignore' });
  if (place === scanned) place.removeData();
  else place.remove();
});

/** Files to be mounted on the mount's path. */
function source(): string {
  const path = join(place.root, 'source');
  plantManyFiles(path, 10, 5);
  return path;
}

const bind = (path: string): void => {
  expect(spawnSync('mount', ['--bind', path, place.tree]).status).toBe(0);
};

/** A scan by worker processes that goes on long enough to be met in the middle of it. */
async function inTheMiddle(...more: string[]): Promise<Running> {
  plantManyFiles(place.tree, 150, 20);
  const scan = place.begin(...more);
  await scan.firstWorker();
  return scan;
}

describe.skipIf(!isRoot)('the mount', () => {
  test('mount.missing: not there', async () => {
    const files = source();
    expect((await run(place.scanArgs())).code).toBe(1);
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['mount.missing'] });
    const mount = (): void => {
      mkdirSync(place.tree);
      bind(files);
    };
    await place.follow(report, { deeds: [[/^Mount it/, mount]] });
    await place.expectSound();
  });

  test('scan.empty: the share behind it is not mounted', async () => {
    const files = source();
    mkdirSync(place.tree);
    expect((await run(place.scanArgs())).code).toBe(3);
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'complete-with-problems', serious: ['scan.empty'] });
    await place.follow(report, { deeds: [[/^Mount it/, () => bind(files)]] });
    await place.expectSound();
  });

  /** For a scan by somebody who is not root. */
  function asNobody(): void {
    plantManyFiles(place.tree, 10, 5);
    mkdirSync(place.dataDir);
    chownSync(place.dataDir, NOBODY, NOBODY);
    chmodSync(place.root, 0o755);
  }
  const scanAsNobody = (): Promise<{ code: number | null }> =>
    place.paste(`nas-scanner ${place.scanArgs().join(' ')}`, { as: AS_NOBODY });

  test('mount.denied: the scan may not read it', async () => {
    asNobody();
    chmodSync(place.tree, 0o700);
    expect((await scanAsNobody()).code).toBe(1);
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['mount.denied'] });
    await place.follow(report);
    await place.expectSound();
  });

  test('entries.unreadable: the scan may not read all below it', async () => {
    asNobody();
    chmodSync(join(place.tree, 'top-3'), 0o700);
    expect((await scanAsNobody()).code).toBe(3);
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'complete-with-problems', serious: ['entries.unreadable'] });
    expect(report.findings[0]?.evidence[0]?.text).toMatch(/top-3: \w+ gave EACCES$/);
    // The test itself is a user who may read them all.
    await place.follow(report);
    await place.expectSound();
  });
});

function deathIn({ findings }: Awaited<ReturnType<typeof place.diagnosed>>): {
  title: string;
  evidence: unknown[];
} {
  const found = findings.find(({ code }) => code === 'scan.killed');
  if (found === undefined) throw new Error('no scan.killed');
  return found;
}

describe('the scan and its workers', () => {
  test('scan.interrupted: SIGTERM', async () => {
    const scan = await inTheMiddle();
    scan.child.kill('SIGTERM');
    expect((await scan.ended).code).toBe(143);
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'interrupted', serious: ['scan.interrupted'] });
    await place.follow(report);
    await place.expectSound();
  });

  test('scan.killed: SIGKILL to the coordinator', async () => {
    const scan = await inTheMiddle();
    scan.child.kill('SIGKILL');
    await scan.ended;
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'killed', serious: ['scan.killed'] });
    const silence = deathIn(report);
    await place.follow(report);
    await place.expectSound();
    // What came after is no part of the epoch that was cut.
    const told = deathIn(await place.diagnosed());
    expect(told.evidence[0]).toEqual(silence.evidence[0]);
    expect(told.title).toContain(silence.title);
  });

  test('container.killed: SIGKILL to a worker, which the next attempt makes good', async () => {
    const scan = await inTheMiddle();
    process.kill(await scan.firstWorker(), 'SIGKILL');
    expect((await scan.ended).code).toBe(0);
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'complete', serious: [] });
    expect(report.findings.map(({ code }) => code)).toContain('container.killed');
  });

  test('worker.stalled: a worker that goes on no more', async () => {
    const scan = await inTheMiddle('--stall-timeout', '1', '--health-interval', '1');
    const worker = await scan.firstWorker();
    process.kill(worker, 'SIGSTOP');
    const [name = ''] = place.scans();
    const stalled = (): boolean =>
      readRecords(place.journal, name).some(({ type }) => type === 'stall.detected');
    await until('its stall', stalled, 60_000);
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ verdict: 'running', serious: ['worker.stalled'] });
    const stop = async (): Promise<void> => {
      scan.child.kill('SIGINT');
      await scan.ended;
    };
    await place.follow(report, { deeds: [[/^Stop this scan/, stop]] });
    await place.expectSound();
  });
});

describe('the journal after the scan', () => {
  /** What the first test scanned; each other one begins with a copy of that. */
  const kept = join(scanned.root, 'kept');
  afterAll(() => {
    scanned.remove();
  });

  /** A complete scan's file of a worker, the biggest. */
  async function workersFile(): Promise<string> {
    place = scanned;
    if (!existsSync(kept)) {
      plantManyFiles(place.tree, 40, 20);
      expect((await run(place.scanArgs())).code).toBe(0);
      renameSync(place.dataDir, kept);
    }
    cpSync(kept, place.dataDir, { recursive: true });
    return join(place.journal, place.scans()[0] ?? '', 'worker-0001', '0001-0001.ndjson');
  }

  test('journal.damaged: a byte is not what it was', async () => {
    const path = await workersFile();
    spawnSync('dd', [`of=${path}`, 'bs=1', 'seek=1500', 'conv=notrunc'], { input: '\0' });
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['journal.damaged'] });
    await place.follow(report);
    await place.expectSound();
  });

  test('journal.lost: a file is gone', async () => {
    rmSync(await workersFile());
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'incomplete', serious: ['journal.lost'] });
    await place.follow(report);
    await place.expectSound();
  });

  test('catalog.mismatch: somebody deleted rows', async () => {
    await workersFile();
    expect(spawnSync('sqlite3', [place.catalog, 'DELETE FROM files WHERE size % 2 = 0']).status).toBe(0);
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ serious: ['catalog.mismatch'] });
    await place.follow(report);
    await place.expectSound();
  });

  test('catalog.mismatch: something else stands in its place', async () => {
    await workersFile();
    rmSync(place.catalog);
    writeFileSync(place.catalog, Buffer.alloc(100_000, 'garbage'));
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ serious: ['catalog.mismatch'] });
    await place.follow(report);
    await place.expectSound();
  });

  test('catalog.behind: it was deleted', async () => {
    await workersFile();
    rmSync(place.catalog);
    const report = await place.diagnosed({ live: true });
    expect(report).toMatchObject({ serious: ['catalog.behind'] });
    await place.follow(report);
    await place.expectSound();
  });
});
