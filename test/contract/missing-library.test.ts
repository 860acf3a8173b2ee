import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';

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

test('a library that full checksums need and that is missing is named, with what to do', async () => {
  const { code } = await run(place.scanArgs('--checksum', 'full', '--retries', '0'), { env });
  expect(code).toBe(4);
  const { findings } = await runJson(place.args('diagnose', '--offline'), 0);
  const [first] = findings as { code: string; title: string }[];
  expect(first?.code).toBe('container.failed');
  expect(first?.title).toContain(LIBRARY);
  expect(first?.title).toMatch(/install .* or use --checksum sampled/);
  // The advice holds, there and then.
  expect((await run(place.scanArgs('--fresh'), { env })).code).toBe(0);
});
