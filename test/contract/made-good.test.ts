import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { run, runJson } from '../support/cli.js';
import { ScannedPlace } from '../support/scanned-place.js';

const place = new ScannedPlace();
let scan: string;

beforeAll(async () => {
  await place.make();
  scan = place.scan;
});
beforeEach(() => {
  place.restore();
});
afterEach(() => {
  place.removeData();
});
afterAll(() => {
  place.remove();
});

test('verify says so once a later scan has read again what a damaged segment held', async () => {
  const worker = readdirSync(join(place.journal, scan)).find((name) => name.startsWith('worker-')) ?? '';
  const segment = join(place.journal, scan, worker, '0001-0001.ndjson');
  const bytes = readFileSync(segment);
  const at = bytes.indexOf('files.batch');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(segment, bytes);

  const before = await run(place.args('verify'));
  expect(before.code).toBe(5);
  expect(before.stdout).toContain('What to do: scan the same mount again');
  expect(before.stdout).not.toContain('nothing is missing any more');

  const later = String((await runJson(place.scanArgs(), 0))['scan']);
  const after = await run(place.args('verify'));
  expect(after.code).toBe(5);
  expect(after.stdout.replace(/\s+/g, ' ')).toContain(
    `${scan}: nothing is missing any more; scan ${later} has read all of its mount again.`,
  );
  expect(after.stdout).not.toContain('scan the same mount again');
  expect(after.stdout).toContain('look after the disk');
  // Of one scan alone nobody can tell what others made good.
  expect((await run(place.args('verify', '--scan', scan))).stdout).toContain('scan the same mount again');
});

test.each([[['--exclude', '*.txt']], [['--one-file-system']]])(
  'a later scan with %j that the damaged one did not have has not read all of its mount',
  async (options) => {
    const segment = join(place.journal, scan, 'worker-0001', '0001-0001.ndjson');
    truncateSync(segment, statSync(segment).size - 100);
    await runJson(place.scanArgs('--fresh', ...options), 0);
    const { stdout } = await run(place.args('verify'));
    expect(stdout).not.toContain('nothing is missing any more');
    expect(stdout).toContain('scan the same mount again');
    await runJson(place.scanArgs('--fresh'), 0);
    expect((await run(place.args('verify'))).stdout).toContain('nothing is missing any more');
  },
);

test('a replay up to a time before any scan is one of no scan', async () => {
  await runJson(place.scanArgs(), 0);
  const copy = (...until: string[]): string[] =>
    place.args('replay', '--to', join(place.root, 'copy.db'), ...until);
  expect(await runJson(copy('--until', '2020-01-01'), 0)).toMatchObject({ scans: 0, records: 0, files: 0 });
  expect(await runJson(copy('--until', '2020-01-01', '--scan', scan), 0)).toMatchObject({ scans: 0 });
  expect(await runJson(copy('--until', '2100-01-01'), 0)).toMatchObject({ scans: 2, files: 30 });
  expect(await runJson(copy('--until', '2100-01-01', '--scan', scan), 0)).toMatchObject({ scans: 1 });
});

test('a last word that was cut off and repaired is no failed write', async () => {
  const coordinator = join(place.journal, scan, 'coordinator', '0001-0001.ndjson');
  truncateSync(coordinator, statSync(coordinator).size - 100);
  expect((await run(place.args('repair'))).code).toBe(0);
  const { verdict, findings } = await runJson(place.args('diagnose', '--offline'), 0);
  expect({ verdict, findings }).toEqual({ verdict: 'complete', findings: [] });
});

test('a repair changes neither how long the scan took nor what its catalog lacks', async () => {
  const before = await runJson(place.args('status'), 0);
  const coordinator = join(place.journal, scan, 'coordinator', '0001-0001.ndjson');
  truncateSync(coordinator, statSync(coordinator).size - 100);
  await sleep(1500);
  await runJson(place.args('repair'), 0);
  const status = await runJson(place.args('status'), 0);
  expect(status).toMatchObject({ state: 'complete', seconds: before['seconds'], endedAt: before['endedAt'] });
  const diagnosis = await runJson(place.args('diagnose'), 0);
  expect(diagnosis).toMatchObject({ verdict: 'complete', findings: [], endedAt: before['endedAt'] });
  expect((diagnosis['totals'] as { seconds: number }).seconds).toBeCloseTo(Number(before['seconds']), 0);
  expect((await runJson(place.args('verify'), 0))['catalog']).toMatchObject({ state: 'agrees' });
});

test('a segment that was begun and never written to asks for nothing', async () => {
  writeFileSync(join(place.journal, scan, 'worker-0001', '0002-0001.ndjson'), '');
  const { code, stdout } = await run(place.args('verify'));
  expect(code).toBe(0);
  expect(stdout.replace(/\s+/g, ' ')).toContain('nothing needs to be done');
  expect(stdout).not.toContain('nas-scanner repair');
});
