import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { readRecords } from '../support/outside.js';

/** A library of the system that the BLAKE3 binding needs, and Node itself does not. */
const LIBRARY = 'librt.so.1';

let place: Place;
let env: Record<string, string>;
beforeEach(() => {
  place = new Place();
  mkdirSync(place.tree);
  writeFileSync(join(place.tree, 'file'), 'x');
  const libraries = join(place.root, 'lib');
  mkdirSync(libraries);
  writeFileSync(join(libraries, LIBRARY), ''); // found first, and useless
  env = { LD_LIBRARY_PATH: libraries };
});
afterEach(() => {
  place.remove();
});

test('a library that full checksums need and that is missing is named before any worker starts, with what to do', async () => {
  const { checks } = await runJson(
    place.args('preflight', place.tree, '--engine', 'process', '--checksum', 'full'),
    1,
    { env },
  );
  const failing = (checks as { check: string; ok: boolean; detail: string; advice: string }[]).filter(
    ({ ok }) => !ok,
  );
  expect(failing.map(({ check }) => check)).toEqual(['checksums']);
  expect(failing[0]?.detail).toContain(LIBRARY);
  expect(failing[0]?.advice).toMatch(/Install .* or use --checksum sampled/);

  expect((await run(place.scanArgs('--checksum', 'full'), { env })).code).toBe(1);
  const [scan = ''] = place.scans();
  const types = readRecords(place.journal, scan).map(({ type }) => type);
  expect(types.filter((type) => type.startsWith('process.'))).toEqual([]);
  const { findings } = await runJson(place.args('diagnose', '--offline'), 0);
  const [first] = findings as { code: string; title: string; advice: string[] }[];
  expect(first?.code).toBe('container.failed');
  expect(first?.title).toMatch(new RegExp(`^Full checksums cannot be made: .*${LIBRARY}`));
  // The advice holds, there and then.
  const [advised = ''] = /nas-scanner scan [^`]*--fresh[^`]*/.exec(first?.advice.join('\n') ?? '') ?? [];
  const words = advised.replaceAll("'", '').split(' ').slice(1);
  expect((await run(words, { env })).code, advised).toBe(0);
});

test('where full checksums can be made, preflight says so, and of others it says nothing', async () => {
  const told = async (checksum: string): Promise<unknown[]> => {
    const args = place.args('preflight', place.tree, '--engine', 'process', '--checksum', checksum);
    const { checks } = await runJson(args, 0);
    return (checks as { check: string }[]).filter(({ check }) => check === 'checksums');
  };
  expect(await told('full')).toMatchObject([{ ok: true, detail: 'full checksums can be made', advice: '' }]);
  expect(await told('sampled')).toEqual([]);
});
