import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { run, runJson } from '../support/cli.js';
import { ScannedPlace } from '../support/scanned-place.js';

const place = new ScannedPlace();
let scan: string;

beforeAll(async () => {
  await place.make('--checksum', 'none');
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

const folder = (writer: string): string => join(place.journal, scan, writer);

const firstScan = async (): Promise<Record<string, unknown>> => {
  const { scans } = await runJson(place.args('scans'), 0);
  return (scans as Record<string, unknown>[])[0] ?? {};
};

async function words(command: string): Promise<string> {
  return (await run(place.args(command))).stdout.replace(/\s+/g, ' ');
}

test('a whole journal misses nothing', async () => {
  expect(await runJson(place.args('status'), 0)).toMatchObject({ state: 'complete', missingFiles: 0 });
  expect(await firstScan()).toMatchObject({ outcome: 'complete', missingFiles: 0 });
  for (const command of ['status', 'scans']) expect(await words(command)).not.toContain('missing');
});

test.each([
  ['deleted', (segment: string) => rmSync(segment)],
  ['cut short', (segment: string) => truncateSync(segment, statSync(segment).size - 1000)],
  ['deleted with its folder', (segment: string) => rmSync(join(segment, '..'), { recursive: true })],
])(
  'a worker file %s after a complete scan: status and scans do not say that all is there',
  async (_how, harm) => {
    harm(join(folder('worker-0001'), readdirSync(folder('worker-0001'))[0] ?? ''));
    expect(await runJson(place.args('status'), 0)).toMatchObject({ state: 'complete', missingFiles: 1 });
    expect(await firstScan()).toMatchObject({ outcome: 'complete', missingFiles: 1 });
    const word = 'but 1 journal file is missing or cut short: run nas-scanner verify';
    expect(await words('status')).toContain(`COMPLETE, ${word}`);
    expect(await words('scans')).toContain(`complete, ${word}`);
  },
);

test('the coordinator’s folder deleted: diagnose, status and scans agree', async () => {
  rmSync(folder('coordinator'), { recursive: true });
  const { verdict, sentence } = await runJson(place.args('diagnose', '--offline'), 0);
  expect(verdict).toBe('incomplete');
  expect(sentence).toMatch(/^Incomplete: the journal has lost what the coordinator wrote; 30 files in /);
  expect(await runJson(place.args('status'), 0)).toMatchObject({ state: 'incomplete', missingFiles: 1 });
  expect(await firstScan()).toMatchObject({ outcome: 'incomplete', missingFiles: 1 });
  for (const command of ['diagnose', 'status', 'scans']) {
    const said = await words(command);
    expect(said).toMatch(/incomplete/i);
    expect(said).toContain('(name lost) (path lost)');
    expect(said).toContain('nas-scanner verify');
  }
});
