import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { oneObject, Place, Running } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { readRecords, sql } from '../support/outside.js';

const IN_CI = process.env['CI'] === 'true';
const IO_TIMEOUT_S = 1;
/** Planning, walking and the last look for new directories each meet the hang for themselves. */
const SECONDS_MAX = 15;

let place: Place;
beforeEach(() => {
  place = new Place();
  for (const folder of ['a', 'b/one', 'b/two', 'c']) mkdirSync(join(place.tree, folder), { recursive: true });
  for (const file of ['loose', 'a/f', 'b/loose', 'b/one/f', 'b/two/f', 'c/f'])
    writeFileSync(join(place.tree, file), file);
});
afterEach(() => place.remove());

describe.runIf(canMountFuse || IN_CI)('a directory of a mount that hangs', () => {
  test.each(['z-hang', 'b/z-hang'])(
    '%s: all else is cataloged, it is named, and the scan ends',
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
        expect(report).toMatchObject({ outcome: 'complete-with-problems', files: 6, problems: 1 });
        expect(report['seconds']).toBeLessThan(SECONDS_MAX);
        expect(sql(place.catalog, 'SELECT path, errno FROM problems')).toBe(
          `${mount.point}/${hanging}|ETIMEDOUT`,
        );
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
