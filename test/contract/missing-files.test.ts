import { readdirSync, rmSync, statSync, truncateSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';

/** A complete scan by at least one worker. */
async function scanned(): Promise<{ place: Place; scan: string; folder: (writer: string) => string }> {
  const place = new Place();
  onTestFinished(() => {
    place.remove();
  });
  mkdirSync(place.tree);
  plantManyFiles(place.tree, 3, 10);
  const scan = String((await runJson(place.scanArgs('--checksum', 'none'), 0))['scan']);
  return { place, scan, folder: (writer) => join(place.journal, scan, writer) };
}

const firstScan = async (place: Place): Promise<Record<string, unknown>> => {
  const { scans } = await runJson(place.args('scans'), 0);
  return (scans as Record<string, unknown>[])[0] ?? {};
};

async function words(place: Place, command: string): Promise<string> {
  return (await run(place.args(command))).stdout.replace(/\s+/g, ' ');
}

test('a whole journal misses nothing', async () => {
  const { place } = await scanned();
  expect(await runJson(place.args('status'), 0)).toMatchObject({ state: 'complete', missingFiles: 0 });
  expect(await firstScan(place)).toMatchObject({ outcome: 'complete', missingFiles: 0 });
  for (const command of ['status', 'scans']) expect(await words(place, command)).not.toContain('missing');
});

test.each([
  ['deleted', (segment: string) => rmSync(segment)],
  ['cut short', (segment: string) => truncateSync(segment, statSync(segment).size - 1000)],
  ['deleted with its folder', (segment: string) => rmSync(join(segment, '..'), { recursive: true })],
])(
  'a worker file %s after a complete scan: status and scans do not say that all is there',
  async (_how, harm) => {
    const { place, folder } = await scanned();
    harm(join(folder('worker-0001'), readdirSync(folder('worker-0001'))[0] ?? ''));
    expect(await runJson(place.args('status'), 0)).toMatchObject({ state: 'complete', missingFiles: 1 });
    expect(await firstScan(place)).toMatchObject({ outcome: 'complete', missingFiles: 1 });
    const word = 'but 1 journal file is missing or cut short: run nas-scanner verify';
    expect(await words(place, 'status')).toContain(`COMPLETE, ${word}`);
    expect(await words(place, 'scans')).toContain(`complete, ${word}`);
  },
);

test('the coordinator’s folder deleted: diagnose, status and scans agree', async () => {
  const { place, folder } = await scanned();
  rmSync(folder('coordinator'), { recursive: true });
  const { verdict, sentence } = await runJson(place.args('diagnose', '--offline'), 0);
  expect(verdict).toBe('incomplete');
  expect(sentence).toMatch(/^Incomplete: the journal has lost what the coordinator wrote; 30 files in /);
  expect(await runJson(place.args('status'), 0)).toMatchObject({ state: 'incomplete', missingFiles: 1 });
  expect(await firstScan(place)).toMatchObject({ outcome: 'incomplete', missingFiles: 1 });
  for (const command of ['diagnose', 'status', 'scans']) {
    const said = await words(place, command);
    expect(said).toMatch(/incomplete/i);
    expect(said).toContain('(name lost) (path lost)');
    expect(said).toContain('nas-scanner verify');
  }
});
