import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { plantManyFiles } from '../support/many-files.js';

const COLUMNS = 80;
const place = new Place();

/** One scan with a torn end, one with a flipped bit, one that has lost a file. */
beforeAll(async () => {
  mkdirSync(place.tree);
  plantManyFiles(place.tree, 3, 10);
  const segments: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const scan = String((await runJson(place.scanArgs('--checksum', 'none', '--fresh'), 0))['scan']);
    segments.push(join(place.journal, scan, 'worker-0001/0001-0001.ndjson'));
  }
  const [torn = '', damaged = '', lost = ''] = segments;
  appendFileSync(torn, '{"seq":');
  const bytes = readFileSync(damaged);
  const at = bytes.indexOf('files.batch');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(damaged, bytes);
  rmSync(lost);
});
afterAll(() => {
  place.remove();
});

test.each([
  ['verify', '--quiet'],
  ['verify', '--catalog'],
  ['repair', '--dry-run'],
  ['repair', '--quiet'],
  ['verify', '--quiet'],
])('%s %s fits a terminal of 80 columns; only a path is never broken', async (command, ...more) => {
  const { stdout } = await run(place.args(command, ...more));
  const long = stdout.split('\n').filter((line) => line.length > COLUMNS && line.trim().includes(' '));
  expect(long).toEqual([]);
  expect(stdout).toContain('worker-0001/0001-0001.ndjson');
});
