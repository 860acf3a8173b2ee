import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { oneObject, Place, Running } from '../support/cli.js';
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
