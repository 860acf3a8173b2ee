import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AdvisedPlace } from '../support/advice.js';
import { run, runJson, Running, until } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { plantManyFiles } from '../support/many-files.js';
import { checkJournal, listByCatalog, listByFind } from '../support/outside.js';

// Troubles of the data directory, of its disk and of a mount that goes away, made for real; the advice is followed.

vi.setConfig({ testTimeout: 180_000 });

const isRoot = process.getuid?.() === 0;
let place: AdvisedPlace;
let helpers: ChildProcess[];

beforeEach(() => {
  place = new AdvisedPlace();
  helpers = [];
  mkdirSync(place.dataDir);
});
afterEach(async () => {
  for (const helper of helpers) helper.kill('SIGKILL');
  await place.stop();
  spawnSync('chattr', ['-i', place.catalog], { stdio: 'ignore' });
  spawnSync('umount', ['-l', place.dataDir], { stdio: 'ignore' });
  place.remove();
});

const mount = (...args: string[]): void => {
  const done = spawnSync('mount', args, { encoding: 'utf8' });
  expect(done.status, done.stderr).toBe(0);
};

/** Until a worker has written something. */
async function working(scan: Running): Promise<void> {
  await until(
    'a worker',
    () =>
      spawnSync('sh', ['-c', `grep -ls files.batch ${place.journal}/*/worker-*/*.ndjson`]).status === 0 ||
      scan.child.exitCode !== null,
  );
}

describe.skipIf(!isRoot)('the disk of the data directory', () => {
  test('disk.full: it fills up in the middle of the scan', async () => {
    plantManyFiles(place.tree, 200, 20);
    mount('-t', 'tmpfs', '-o', 'size=72m', 'none', place.dataDir);
    const scan = place.begin('--full-disk-wait', '1');
    await until(
      'the journal',
      () => spawnSync('sh', ['-c', `ls ${place.journal}/*/worker-0001`]).status === 0,
    );
    spawnSync('sh', ['-c', `cat /dev/zero > ${join(place.dataDir, 'somebody-elses')}`], { stdio: 'ignore' });
    const { code } = await scan.ended;
    expect(code).not.toBe(0);
    const report = await place.diagnosed();
    expect(report.serious).toEqual(['disk.full']);
    const makeRoom = (): void => mount('-o', 'remount,size=900m', place.dataDir);
    await place.follow(report, { deeds: [[/^Make room/, makeRoom]] });
    await place.expectSound();
  });

  test('data-dir.unwritable: its file system turns read-only in the middle of the scan', async () => {
    plantManyFiles(place.tree, 200, 20);
    const image = join(place.root, 'image');
    const make = `truncate -s 3G ${image} && mkfs.ext4 -qF -m 0 ${image}`;
    expect(spawnSync('sh', ['-c', make]).status).toBe(0);
    mount('-o', 'loop', image, place.dataDir);
    const scan = place.begin();
    await working(scan);
    // As ext4 does when its disk fails: whatever is written from here on gets EROFS.
    mount('-o', 'remount,abort', place.dataDir);
    expect((await scan.ended).code).not.toBe(0);
    // Not one more word could be written: the journal alone knows of a death only, a look around knows why.
    expect((await place.diagnosed()).serious).toEqual(['scan.killed']);
    const report = await place.diagnosed({ live: true });
    expect(report.serious).toEqual(['data-dir.unwritable']);
    const makeWritable = async (): Promise<void> => {
      // A worker that has lost its coordinator may be there for a moment yet.
      await until('nobody to use it', () => spawnSync('umount', [place.dataDir]).status === 0);
      // Nor is it gone while any other mount namespace has it, such as that of a container which just starts.
      await until(
        'its loop device to be free',
        () => String(spawnSync('losetup', ['-j', image]).stdout) === '',
      );
      expect(spawnSync('fsck.ext4', ['-fy', image]).status).toBeLessThanOrEqual(1);
      mount('-o', 'loop', image, place.dataDir);
    };
    await place.follow(report, { deeds: [[/mount it read-write/, makeWritable]] });
    await place.expectSound();
  });

  test('disk.low is said, and costs nothing', async () => {
    plantManyFiles(place.tree, 5, 5);
    mount('-t', 'tmpfs', '-o', 'size=300m', 'none', place.dataDir);
    expect((await run(place.scanArgs())).code).toBe(0);
    const report = await place.diagnosed();
    expect(report).toMatchObject({ verdict: 'complete', serious: [] });
    expect(report.findings.map(({ code }) => code)).toEqual(['disk.low']);
  });
});

describe('the catalog', () => {
  // A replay leaves it with a rollback journal, with which whoever writes locks readers out, too.
  test.each(['scan', 'replay'])(
    'catalog.locked: somebody has the one of a %s open and does not let go',
    async (madeBy) => {
      plantManyFiles(place.tree, 5, 5);
      expect((await run(place.scanArgs())).code).toBe(0);
      if (madeBy === 'replay') expect((await run(place.args('replay'))).code).toBe(0);
      const holder = spawn('sqlite3', [place.catalog], { stdio: ['pipe', 'pipe', 'ignore'] });
      helpers.push(holder);
      holder.stdin.write("BEGIN EXCLUSIVE;\nSELECT 'held';\n");
      await new Promise((resume) => holder.stdout.once('data', resume));
      plantManyFiles(join(place.tree, 'more'), 5, 5);
      expect(await runJson(place.scanArgs(), 1)).toMatchObject({ outcome: 'complete' });
      expect(checkJournal(place.journal).faults).toEqual([]);
      const report = await place.diagnosed({ live: true });
      expect(report.serious).toEqual(['catalog.locked', 'catalog.behind']);
      const close = async (): Promise<void> => {
        holder.stdin.end('ROLLBACK;\n');
        await new Promise((resume) => holder.once('close', resume));
      };
      await place.follow(report, { deeds: [[/^Close that program/, close]] });
      await place.expectSound();
      expect(listByCatalog(place.catalog)).toEqual(listByFind(place.tree));
    },
  );

  test.skipIf(!isRoot)('who may not write beside it is told so, not that there is none', async () => {
    plantManyFiles(place.tree, 1, 1);
    expect((await run(place.scanArgs())).code).toBe(0);
    // Its last reader takes the log along that others could read it with.
    spawnSync('sqlite3', [place.catalog, 'SELECT count(*) FROM files']);
    spawnSync('chmod', ['-R', 'a+rX', place.root]);
    const asNobody = { as: 'setpriv --reuid 65534 --regid 65534 --clear-groups' };
    const { code, stderr } = await place.paste(`nas-scanner stats --data-dir ${place.dataDir}`, asNobody);
    expect([code, stderr]).toEqual([1, expect.stringContaining('SQLite has to write beside it')]);
  });

  test.skipIf(!isRoot)('catalog.unwritable: it may not be changed', async () => {
    plantManyFiles(place.tree, 5, 5);
    expect((await run(place.scanArgs())).code).toBe(0);
    expect(spawnSync('chattr', ['+i', place.catalog]).status).toBe(0);
    plantManyFiles(join(place.tree, 'more'), 5, 5);
    expect((await run(place.scanArgs())).code).toBe(1);
    const report = await place.diagnosed({ live: true });
    expect(report.serious).toEqual(['catalog.unwritable', 'catalog.behind']);
    const allow = (): void => void spawnSync('chattr', ['-i', place.catalog]);
    await place.follow(report, { deeds: [[/^Make it writable/, allow]] });
    await place.expectSound();
  });
});

describe.skipIf(!canMountFuse)('a mount with a daemon behind it', () => {
  const ends: [string, (share: LatencyMount) => void][] = [
    ['its daemon dies', (share) => share.kill()],
    ['it is unmounted', (share) => share.close()],
  ];
  test.each(ends)('mount.lost: %s in the middle of the scan', async (_how, end) => {
    const source = join(place.root, 'source');
    plantManyFiles(source, 60, 10);
    let share = await LatencyMount.open(source, place.tree, { LATENCY_MS: '8' });
    try {
      const scan = place.begin('--analysis-timeout', '2', '--workers', '1');
      await working(scan);
      end(share);
      expect((await scan.ended).code).not.toBe(0);
      const report = await place.diagnosed();
      expect(report.serious).toEqual(['mount.lost']);
      const again = async (): Promise<void> => {
        share.close();
        share = await LatencyMount.open(source, place.tree, {});
      };
      await place.follow(report, { deeds: [[/^Mount it again/, again]] });
      await place.expectSound();
    } finally {
      share.close();
    }
  });
});
