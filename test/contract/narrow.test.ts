import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { inCi } from '../support/journal-faults.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { plantManyFiles } from '../support/many-files.js';

const COLUMNS = 80;
const NAME_BYTES_MAX = 255;
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
  ['replay', '--to', 'copy.db'],
])('%s %s fits a terminal of 80 columns; only a path is never broken', async (command, ...more) => {
  const { stdout, stderr } = await run(place.args(command, ...more), { cwd: place.root });
  expect(tooLong(stdout + stderr)).toEqual([]);
  expect(stdout + stderr).toContain('worker-0001/0001-0001.ndjson');
});

test('the program, its commands and the list of schemas explain themselves in 80 columns', async () => {
  const whole = (await run(['--help'])).stdout;
  const commands = [...whole.matchAll(/^ {2}([a-z-]+)(?:\|[a-z]+)? \[options\]/gm)].map(
    ([, name = '']) => name,
  );
  expect(commands).toContain('self-test');
  expect(tooLong(whole)).toEqual([]);
  for (const command of commands) expect(tooLong((await run([command, '--help'])).stdout)).toEqual([]);
  expect(tooLong((await run(['schema'])).stdout)).toEqual([]);
});

/** Lines that would fit, were they broken at their blanks. */
function tooLong(text: string): string[] {
  return text.split('\n').filter((line) => line.length > COLUMNS && line.trim().includes(' '));
}

test.runIf(canMountFuse || inCi)(
  'stats fits, with all there is to tell of names and of the disk',
  async () => {
    const here = new Place();
    const source = join(here.root, 'source');
    const name = 'n'.repeat(NAME_BYTES_MAX);
    mkdirSync(join(source, name), { recursive: true });
    writeFileSync(join(source, name, name), 'x');
    linkSync(join(source, name, name), join(source, 'again'));
    truncateSync(join(source, 'again'), 2 ** 42);
    // There inode numbers identify nothing.
    const mount = await LatencyMount.open(source, here.tree, { LATENCY_MS: '0' });
    try {
      for (const scanned of [here.tree, source]) {
        const options = ['--data-dir', here.dataDir, '--engine', 'process', '--checksum', 'none'];
        await runJson(['scan', scanned, scanned === source ? name : 'Fuse', ...options], 0);
      }
      const { stdout } = await run(here.args('stats'));
      expect(stdout).toMatch(/\(FUSE,\s+network\)/);
      expect(stdout).toMatch(/same\s+content\s+again/);
      expect(stdout).toMatch(/with\s+holes/);
      expect(tooLong(stdout)).toEqual([]);
    } finally {
      mount.close();
      here.remove();
    }
  },
);
