import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDataDir, checkJournal, checkMount } from '../../src/health/check-places.js';
import { mountAccessible, MountLook, probeMount } from '../../src/health/mount.js';
import { Place, runJson } from '../support/cli.js';
import { canMount, hasStrace, inCi, straceWith } from '../support/journal-faults.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nas-scanner-mount-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function check(path: string) {
  return checkMount(path, await probeMount(path, 10_000), { timeoutMs: 10_000, realDataDir: folder });
}

test('a folder with something in it passes', async () => {
  const path = join(folder, 'full');
  await mkdir(path);
  await writeFile(join(path, 'f'), 'x');
  expect(await check(path)).toMatchObject({ ok: true, advice: '' });
  expect(await mountAccessible(path, 10_000)).toBe(true);
});

test('an empty one passes with a warning', async () => {
  const path = join(folder, 'empty');
  await mkdir(path);
  expect(await check(path)).toMatchObject({ ok: true, code: 'scan.empty', fatal: false });
});

test('a missing one and a file do not', async () => {
  expect(await check(join(folder, 'missing'))).toMatchObject({
    ok: false,
    code: 'mount.missing',
    fatal: true,
  });
  await writeFile(join(folder, 'file'), '');
  expect(await check(join(folder, 'file'))).toMatchObject({ ok: false, code: 'mount.missing' });
});

test('a mount that does not answer in time is said to hang, again at once while the first look still waits', async () => {
  const path = join(folder, 'full');
  expect(await probeMount(path, 0)).toMatchObject({ state: 'hung' });
});

test('a look begun early answers with what it saw, and looks again once that is old', async () => {
  const path = join(folder, 'early');
  await mkdir(path);
  let nowMs = 0;
  const look = new MountLook(path, 10_000, () => nowMs);
  const { signal } = new AbortController();
  expect(await look.answer(signal)).toMatchObject({ state: 'ok' });
  await rm(path, { recursive: true });
  nowMs = 4_000;
  expect(await look.answer(signal)).toMatchObject({ state: 'ok' });
  nowMs = 6_000;
  expect(await look.answer(signal)).toMatchObject({ state: 'missing' });
});

test('a look that nobody waits for any more ends', async () => {
  const stopped = new AbortController();
  const look = new MountLook(folder, 10_000);
  stopped.abort();
  expect(await look.answer(stopped.signal)).toMatchObject({ state: 'hung' });
});

test('what is no data directory is told with its errno, what is gets its room', async () => {
  await writeFile(join(folder, 'blocks'), '');
  for (const path of [join(folder, 'blocks'), join(folder, 'blocks', 'data')]) {
    const check = await checkDataDir(path);
    expect(check).toMatchObject({ ok: false, code: 'data-dir.unwritable' });
    expect(check.detail).toBe(`${path} cannot be written (ENOTDIR)`);
    expect(check.advice).toContain('is a file');
  }
  const data = await checkDataDir(join(folder, 'data'));
  expect(data.ok).toBe(true);
  expect(data.detail).toMatch(/ free$/);
});

test.skipIf(!canMount).each([
  { size: '65532k', ok: false, code: 'disk.full', says: 'has 63 MiB free; a scan needs 64 MiB' },
  {
    size: '300m',
    ok: true,
    code: 'disk.low',
    says: 'has 300 MiB free; a big scan may need more than 1.0 GiB',
  },
])('a disk of $size is told with what is needed', async ({ size, says, ...expected }) => {
  const disk = join(folder, size);
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', disk]);
  try {
    expect(await checkDataDir(disk)).toMatchObject({
      ...expected,
      detail: `${disk} can be written and ${says}`,
    });
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('the journal check leaves nothing behind', async () => {
  const journalDir = join(folder, 'data', 'journal');
  await mkdir(journalDir, { recursive: true });
  expect(await checkJournal(journalDir, '01KARA41R028T5CY4GNF6YY4HM')).toMatchObject({ ok: true });
  expect(await readdir(journalDir)).toEqual([]);
});

describe.skipIf(!hasStrace && !inCi)('a mount whose server is gone (skipped without strace)', () => {
  const place = new Place();
  beforeAll(async () => {
    await mkdir(place.tree);
    await writeFile(join(place.tree, 'f'), 'x');
    await runJson(place.scanArgs(), 0);
  });
  afterAll(() => {
    place.remove();
  });

  // Older versions of strace know some of them by number only; libuv has no name for the first.
  test.each([
    ['ESTALE', 116],
    ['EHOSTUNREACH', 113],
    ['EIO', 5],
  ])('is stale, and told with its errno: %s', async (code, errno) => {
    const under = straceWith(`statx:error=${errno}`, [place.tree], 'statx');
    const diagnosis = await runJson(place.args('diagnose'), 0, { under });
    expect(diagnosis['live']).toMatchObject({ mount: { state: 'stale', code } });
    const { checks } = await runJson(place.args('preflight', place.tree, '--engine', 'process'), 1, {
      under,
    });
    const detail = `${place.tree} is mounted but dead (${code})`;
    expect(checks).toContainEqual(
      expect.objectContaining({ check: 'mount', ok: false, code: 'mount.lost', detail }),
    );
  });
});
