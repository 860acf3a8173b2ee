import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aboutProcess, ENTRY, oneObject, Place, Running, until } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { readRecords, sql } from '../support/outside.js';

const IN_CI = process.env['CI'] === 'true';
const IO_TIMEOUT_S = 1;
/** Planning, walking and the last look for new directories each meet the hang for themselves. */
const SECONDS_MAX = 15;
const FILES = ['loose', 'a/f', 'b/loose', 'b/one/f', 'b/two/f', 'c/f'];

let place: Place;
beforeEach(() => {
  place = new Place();
  for (const folder of ['a', 'b/one', 'b/two', 'c']) mkdirSync(join(place.tree, folder), { recursive: true });
  for (const file of FILES) writeFileSync(join(place.tree, file), file);
});
afterEach(() => place.remove());

/** Paths below the mount, as the catalog has them. */
function column(query: string, mountPath: string): string[] {
  const lines = sql(place.catalog, query).split('\n').filter(Boolean);
  return lines.map((path) => path.slice(mountPath.length + 1));
}

describe.runIf(canMountFuse || IN_CI)('a directory of a mount that hangs', () => {
  test.each(['z-hang', 'b/z-hang'])(
    '%s: it is named, all that lies elsewhere is cataloged, and the scan ends',
    async (hanging) => {
      mkdirSync(join(place.tree, hanging));
      writeFileSync(join(place.tree, hanging, 'never seen'), '');
      const faults = { LATENCY_MS: '1', LATENCY_HANG: 'z-hang' };
      const mount = await LatencyMount.open(place.tree, join(place.root, 'fuse'), faults);
      try {
        const options = ['--engine', 'process', '--checksum', 'none', '--io-timeout', String(IO_TIMEOUT_S)];
        const scan = new Running([
          'scan',
          mount.point,
          'Fuse',
          '--data-dir',
          place.dataDir,
          ...options,
          '--json',
        ]);
        // While the mount hangs: nothing of ours may wait in the kernel for it.
        const late = setTimeout(() => mount.close(), SECONDS_MAX * 1000);
        const { code, stdout } = await scan.ended;
        clearTimeout(late);
        expect(code).toBe(3);
        const report = oneObject(stdout);
        expect(report).toMatchObject({ outcome: 'complete-with-problems' });
        expect(report['seconds']).toBeLessThan(SECONDS_MAX);
        const named = column('SELECT path FROM problems', mount.point);
        expect(named).toContain(hanging);
        expect(sql(place.catalog, 'SELECT DISTINCT errno FROM problems')).toBe('ETIMEDOUT');
        // The kernel looks up one name of a directory at a time: what hangs may hold up directories beside it, which
        // are looked at together. They are named, too; all that lies elsewhere is there.
        const cataloged = column('SELECT path FROM files', mount.point);
        const missing = FILES.filter((file) => !cataloged.includes(file)).map((file) => dirname(file));
        expect([...missing, hanging].sort()).toEqual(named.sort());
        for (const directory of missing) expect(dirname(directory)).toBe(dirname(hanging));
        const first = readRecords(place.journal, String(report['scan'])).find(
          ({ type }) => type === 'chunk.planned',
        );
        expect((first?.data['roots'] as unknown[])[0]).toEqual({ path: mount.point, scope: 'files' });
      } finally {
        mount.close();
      }
    },
  );
});

describe.runIf(canMountFuse || IN_CI)('a directory that hangs while it is measured', () => {
  /** The listing hangs by then. */
  const MET_MS = 300;
  const END_MS_MAX = 2000;

  test('holds up nobody who stops the scan', async () => {
    mkdirSync(join(place.tree, 'c/z-hang'));
    const faults = { LATENCY_MS: '0', LATENCY_HANG: 'z-hang' };
    const mount = await LatencyMount.open(place.tree, join(place.root, 'fuse'), faults);
    // Somebody who looks up the name holds up all who list the directory.
    const first = spawn('stat', [join(mount.point, 'c/z-hang')], { stdio: 'ignore' });
    try {
      await until('the look', () => aboutProcess(first.pid ?? 0, 'wchan').includes('request_wait'));
      const args = ['scan', mount.point, 'Fuse', '--data-dir', place.dataDir, '--engine', 'process'];
      const scan = new Running([...args, '--json']);
      await until('the directory', () => scan.stderr.includes(`ANALYSIS of ${mount.point}/c started`));
      await new Promise((resume) => setTimeout(resume, MET_MS));
      const began = performance.now();
      scan.child.kill('SIGINT');
      const { code, stdout } = await scan.ended;
      expect(performance.now() - began).toBeLessThan(END_MS_MAX);
      expect(code).toBe(130);
      expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete' });
    } finally {
      mount.close();
    }
  });

  test('holds up nobody who stops the scan when it looks for what is new', async () => {
    const faults = { LATENCY_MS: '30', LATENCY_HANG: 'late' };
    const mount = await LatencyMount.open(place.tree, join(place.root, 'fuse'), faults);
    try {
      const args = ['scan', mount.point, 'Fuse', '--data-dir', place.dataDir, '--engine', 'process'];
      const scan = new Running([...args, '--json']);
      await until('the plan', () => scan.stderr.includes('PLAN finished'));
      mkdirSync(join(place.tree, 'late')); // the mount has been listed before
      spawn('stat', [join(mount.point, 'late')], { stdio: 'ignore' });
      await until('the end of all workers', () => scan.workers().length === 0);
      await new Promise((resume) => setTimeout(resume, 2 * MET_MS));
      const began = performance.now();
      scan.child.kill('SIGINT');
      const { code, stdout } = await scan.ended;
      expect(performance.now() - began).toBeLessThan(END_MS_MAX);
      expect(code).toBe(130);
      expect(oneObject(stdout)).toMatchObject({ chunks: { failed: 0 }, files: FILES.length });
    } finally {
      mount.close();
    }
  });
});

describe.runIf(canMountFuse || IN_CI)(
  'where a directory hangs and all who could end the scan are killed',
  () => {
    /** Longer than it takes until the directory is met. */
    const MET_MS = 1000;
    const GONE_MS = 5000;
    const DIST = dirname(dirname(ENTRY));
    const mark = (): string => `TEST_MARK=${place.root}`;

    /**
     * Command lines of all our programs that the scan has started and that still run. One that was killed has none; a
     * thread of it that is in the kernel stays until the mount lets it go.
     */
    function left(): string[] {
      return readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => ({ pid, line: aboutProcess(pid, 'cmdline') }))
        .filter(({ pid, line }) => line.includes(DIST) && aboutProcess(pid, 'environ').includes(mark()))
        .map(({ line }) => line);
    }

    test.each([
      ['measures', 'measure-helper', []],
      ['lists', 'async-helper', ['--fast-start', '--analysis-timeout', '1']],
    ])('what %s there runs no more', async (_what, program, options) => {
      mkdirSync(join(place.tree, 'b/z-hang'));
      const faults = { LATENCY_MS: '0', LATENCY_HANG: 'z-hang' };
      const mount = await LatencyMount.open(place.tree, join(place.root, 'fuse'), faults);
      try {
        const args = ['scan', mount.point, 'Fuse', '--data-dir', place.dataDir, '--engine', 'process'];
        const scan = new Running([...args, ...options], { env: { TEST_MARK: place.root } });
        await until(program, () => left().some((line) => line.includes(program)));
        await new Promise((resume) => setTimeout(resume, MET_MS));
        for (const pid of [scan.pid, ...scan.workers()]) process.kill(pid, 'SIGKILL');
        await scan.ended;
        await until('nothing to be left', () => left().length === 0, GONE_MS);
      } finally {
        mount.close();
      }
    });
  },
);

describe.runIf(canMountFuse || IN_CI)('a mount whose root hangs', () => {
  async function frozen(use: (scan: (...more: string[]) => Running) => Promise<void>): Promise<void> {
    // Nothing of it may be answered from a cache.
    const faults = { LATENCY_MS: '0', LATENCY_WRITE: '1' };
    const mount = await LatencyMount.open(place.tree, join(place.root, 'fuse'), faults);
    mount.freeze();
    const late = setTimeout(() => mount.close(), SECONDS_MAX * 1000);
    try {
      await use((...more) => {
        const args = [
          'scan',
          mount.point,
          'Fuse',
          '--data-dir',
          place.dataDir,
          '--engine',
          'process',
          '--json',
        ];
        return new Running([...args, ...more]);
      });
    } finally {
      clearTimeout(late);
      mount.close();
    }
  }

  test('fails its preflight, which is journaled', async () => {
    await frozen(async (scan) => {
      const { code, stdout, stderr } = await scan('--io-timeout', '4').ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/waiting for .*fuse to answer, at most 4 s/);
      const report = oneObject(stdout);
      expect(report).toMatchObject({ outcome: 'incomplete', chunks: { planned: 0 } });
      expect(report['seconds']).toBeLessThan(SECONDS_MAX);
      const checks = readRecords(place.journal, String(report['scan'])).filter(
        ({ type, data }) => type === 'preflight.checked' && data['ok'] === false,
      );
      expect(checks.map(({ data }) => data['code'])).toEqual(['mount.lost']);
    });
  });

  test('holds up nobody who stops the scan', async () => {
    await frozen(async (scan) => {
      const running = scan();
      await until('the wait for the mount', () => running.stderr.includes('waiting for'));
      running.child.kill('SIGINT');
      const began = performance.now();
      const { code, stdout } = await running.ended;
      expect(performance.now() - began).toBeLessThan(3000);
      expect(code).toBe(130);
      expect(oneObject(stdout)).toMatchObject({ outcome: 'incomplete', files: 0 });
      const [id = ''] = place.scans();
      expect(readRecords(place.journal, id).map(({ type }) => type)).toContain('scan.interrupted');
    });
  });
});
