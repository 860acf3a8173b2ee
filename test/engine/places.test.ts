import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { oneObject } from '../support/cli.js';
import { DockerPlace, expectComplete, HeldPlace } from '../support/docker-scan.js';
import { LatencyMount } from '../support/latency-mount.js';
import { sql } from '../support/outside.js';
import { describeWithImage, removedAfterwards } from '../support/with-image.js';

const WORKERS = 3;

interface Preflight extends Record<string, unknown> {
  ok: boolean;
  checks: { check: string; ok: boolean; detail: string }[];
}

/** Places that fail a scan in containers while it runs: the disk of the journal, and the mount. */
describeWithImage('a scan in containers', 120_000, (daemon) => {
  const place = (): HeldPlace => removedAfterwards(new HeldPlace(daemon()));

  /** The data directory on a disk of its own, with all but a little of its room given away. */
  function ownDisk(here: HeldPlace): { fill(): void; makeRoom(): void } {
    mkdirSync(here.dataDir, { recursive: true });
    const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'none', here.dataDir], {
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(done.stderr);
    onTestFinished(() => void spawnSync('umount', ['-l', here.dataDir]));
    const filler = join(here.dataDir, 'filler');
    return {
      fill: () => {
        const { bavail, bsize } = statfsSync(here.dataDir);
        try {
          writeFileSync(filler, Buffer.alloc(bavail * bsize));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error; // somebody else took the last of it
        }
      },
      makeRoom: () => rmSync(filler),
    };
  }

  test('pauses while the disk of its journal is full, and goes on when there is room', async () => {
    const here = place();
    const disk = ownDisk(here);
    await here.hold(WORKERS, 100);
    const scan = here.start();
    const names = await here.workersHeld();
    disk.fill();
    here.letGo();
    const said = async (name: string): Promise<string> =>
      daemon()
        .docker('logs', name)
        .catch(() => '');
    for (const name of names)
      await expect.poll(() => said(name), { timeout: 20_000 }).toMatch(/paused: .*ENOSPC/);
    await expect.poll(() => here.of('scan.paused'), { timeout: 20_000 }).not.toEqual([]);
    expect(here.of('scan.continued')).toEqual([]);
    disk.makeRoom();
    await expectComplete(scan, here);
    expect(here.of('scan.continued')).toHaveLength(here.of('scan.paused').length);
    expect(here.of('chunk.failed')).toEqual([]);
    expect(await here.seriousCodes()).toEqual([]);
  });

  test('ends where no room is made, in order and with the reason, and goes on another time', async () => {
    const here = place();
    const disk = ownDisk(here);
    await here.hold(WORKERS, 100);
    const scan = here.start('--full-disk-wait', '1');
    await here.workersHeld();
    disk.fill();
    here.letGo();
    const { code, stdout } = await scan.ended;
    expect(code).toBe(1);
    expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete', chunks: { planned: 3, completed: 0 } });
    expect(await here.containers()).toEqual([]);
    expect(here.of('scan.paused')).toHaveLength(1);
    expect(here.of('chunk.failed').map((data) => data['willRetry'])).toEqual([true, true, true]);
    disk.makeRoom();
    expect(await here.seriousCodes()).toEqual(['disk.full']);
    await expectComplete(here.start(), here);
    expect(here.of('scan.resumed')).toHaveLength(1);
  });

  test('ends at once where its journal cannot be written at all, and the next run takes over its workers', async () => {
    const here = place();
    await here.hold(WORKERS, 100);
    const scan = here.start();
    const [killed = ''] = await here.workersHeld();
    spawnSync('prlimit', ['--pid', String(scan.pid), '--fsize=1']); // every write of the coordinator fails
    await daemon().killProcesses(killed);
    here.letGo();
    const { code, stdout } = await scan.ended;
    expect(code).toBe(1);
    expect(oneObject(stdout)['error']).toMatch(/cannot write the journal/);
    expect(await here.containers()).toContain(killed); // removed only when its end is in the journal
    await expectComplete(here.start(), here);
    expect(here.of('container.exited')).toContainEqual(
      expect.objectContaining({ name: killed, exitCode: 137 }),
    );
  });

  test('workers whose mount dies record what it was, and end', async () => {
    const here = place();
    const mount = await here.hold(WORKERS, 100);
    const scan = here.start();
    await here.workersHeld();
    mount.kill();
    const { code, stdout } = await scan.ended;
    expect(code).toBe(4); // the next run goes on with what they could not read
    expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete' });
    expect(await here.containers()).toEqual([]);
    expect(await here.codes()).toContain('mount.lost');
  });

  test('what hangs in a mount is named, and costs only itself; cleanup sweeps the containers it holds when it lets go', async () => {
    const here = place();
    await here.hold(WORKERS, 100);
    const { code, stdout, stderr } = await here.start('--io-timeout', '1').ended;
    expect(code, stderr).toBe(3);
    expect(oneObject(stdout)).toMatchObject({
      outcome: 'complete-with-problems',
      files: WORKERS * 100,
      chunks: { planned: WORKERS, completed: WORKERS, failed: 0 },
    });
    const hanging = Array.from({ length: WORKERS }, (_, top) =>
      join(here.tree, `top-${top}`, 'last', 'held'),
    );
    const told = sql(here.catalog, 'SELECT DISTINCT path, errno FROM problems ORDER BY path');
    expect(told.trim().split('\n')).toEqual(hanging.map((path) => `${path}|ETIMEDOUT`));
    const stuck = await here.containers();
    const named = here
      .of('container.exited')
      .filter(({ error }) => String(error).includes('stuck in the kernel'));
    expect(named.map(({ name }) => name).sort()).toEqual([...stuck].sort());
    expect(stuck).toHaveLength(WORKERS);
    // The worker itself has ended in order: its own word says so.
    for (const { exitCode, logTail } of named) {
      expect(exitCode).toBe(0);
      expect(logTail).toContain('ended with exit code 0');
    }
    const { findings } = (await here.ask('diagnose')) as {
      findings: { code: string; severity: string; advice: string[] }[];
    };
    const serious = findings.filter(({ severity }) => severity !== 'info');
    expect(serious.map(({ code: finding }) => finding)).toEqual(['entries.unreadable']);
    expect(serious[0]?.advice.join('\n')).toContain('cleanup');
    here.letGo();
    expect((await here.ask('cleanup'))['removed']).toHaveLength(WORKERS);
    await expectComplete(here.start(), here);
  });

  test('workers keep a mount that is unmounted; those that start later miss it, and the scan is incomplete', async () => {
    const here = place();
    await here.hold(WORKERS, 100);
    const scan = here.start();
    const [kept = '', ...killed] = await here.workersHeld();
    spawnSync('umount', ['-l', here.tree]);
    for (const name of killed) await daemon().killProcesses(name);
    here.letGo();
    const { code, stdout } = await scan.ended;
    expect(code).toBe(4);
    expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete' });
    expect(await here.containers()).toEqual([]);
    expect(here.of('container.exited')).toContainEqual(expect.objectContaining({ name: kept, exitCode: 0 }));
    expect(await here.codes()).toEqual(['mount.lost']);
  });

  /** A tree behind a FUSE mount that hangs at what is named, while the gate is closed. */
  async function hanging(here: DockerPlace, at: string): Promise<{ close(): void; open(): void }> {
    const [source, gate] = [join(here.root, 'source'), join(here.root, 'gate')];
    mkdirSync(join(source, 'hangdir'), { recursive: true });
    const faults = { LATENCY_SOURCE: source, LATENCY_MS: '0', LATENCY_HANG: at, LATENCY_HANG_WHILE: gate };
    const mount = await LatencyMount.open(source, here.tree, faults);
    onTestFinished(() => mount.close());
    return { close: () => writeFileSync(gate, ''), open: () => rmSync(gate, { force: true }) };
  }

  test('a top-level directory that hangs does not hold the probe of the preflight', async () => {
    const here = removedAfterwards(new DockerPlace(daemon()));
    const gate = await hanging(here, '/hangdir');
    gate.close();
    const { ok, checks } = (await here.askPreflight()) as Preflight;
    expect(checks.find(({ check }) => check === 'probe')).toMatchObject({ ok: true });
    expect(ok).toBe(true);
    gate.open();
  });

  test('a mount that hangs only containers is told as such; what is stuck in it is listed and swept', async () => {
    const here = removedAfterwards(new DockerPlace(daemon()));
    const gate = await hanging(here, '/');
    const scan = here.start('--start-timeout', '6');
    const checked = (): unknown[] => here.of('preflight.checked').map(({ check }) => check);
    await expect.poll(checked, { timeout: 20_000, interval: 5 }).toContain('mount');
    gate.close();
    const { code, stderr } = await scan.ended;
    expect(code, stderr).toBe(1);
    expect(await here.seriousCodes()).toEqual(['mount.lost']);
    const [exited] = here.of('container.exited');
    expect(exited).toMatchObject({ chunk: 0, exitCode: null });
    expect(exited?.['error']).toMatch(/stuck in the kernel/);
    const [probe] = await here.containers();
    expect(probe).toBe(exited?.['name']);
    const { checks } = (await here.askPreflight('--io-timeout', '1')) as Preflight;
    expect(checks.find(({ check }) => check === 'leftovers')?.detail).toContain(probe);
    gate.open();
    expect((await here.ask('cleanup'))['removed']).toMatchObject([{ name: probe, journaled: true }]);
  });
});
