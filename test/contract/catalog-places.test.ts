import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, runJson, Running, until } from '../support/cli.js';
import { inCi } from '../support/journal-faults.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { readRecords } from '../support/outside.js';
import { canFill, fillDisk, ReaderLoop, TroubledPlace } from '../support/troubled-place.js';

let place: TroubledPlace;

beforeEach(() => {
  place = new TroubledPlace(60, 20);
});
afterEach(() => {
  place.remove();
});

describe.skipIf(!canMountFuse && !inCi)('a catalog on a FUSE mount without a cache', () => {
  test('has a rollback journal, which is said and journaled; sqlite3 reads throughout and never fails', async () => {
    const source = join(place.root, 'source');
    mkdirSync(source);
    const fuse = await LatencyMount.open(source, place.dataDir, { LATENCY_MS: '0', LATENCY_WRITE: '1' });
    try {
      const loop = new ReaderLoop(place);
      await place.expectWhole(await run(place.quickScan()));
      expect(await loop.stop()).toBe('');
      expect(loop.reads).toBeGreaterThan(5);
      expect(place.told()).toEqual(['opened rollback']);
      const log = readdirSync(place.dataDir).find((name) => name.endsWith('.log')) ?? '';
      const said = 'journal mode rollback: the file system is FUSE';
      expect(readFileSync(join(place.dataDir, log), 'utf8')).toContain(said);
      const { verdict, findings } = await runJson(place.args('diagnose', '--offline'), 0);
      expect([verdict, findings]).toEqual(['complete', []]);
    } finally {
      fuse.close();
    }
  });
});

describe.skipIf(!canFill && !inCi)('a disk that is full under the catalog alone', () => {
  const hasEnded = (): boolean =>
    readRecords(place.journal, place.scans()[0] ?? '').some(({ type }) => type === 'scan.completed');

  test.each([
    ['while the scan goes on', () => place.told().includes('troubled catalog.unwritable')],
    ['after its last word', hasEnded],
  ])('holds nothing up: the catalog catches up as soon as there is room, %s', async (_when, isTime) => {
    place.onSmallDisk();
    const running = new Running(place.quickScan());
    await until('the catalog', () => place.told().length > 0);
    const ballast = fillDisk(place.dataDir);
    await until('the time to make room', isTime);
    rmSync(ballast);
    const outcome = await running.ended;
    expect(place.told()).toEqual(['opened wal', 'troubled catalog.unwritable', 'recovered']);
    await place.expectWhole(outcome);
  });
});
