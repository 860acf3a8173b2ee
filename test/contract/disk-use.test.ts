import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place, run, runJson } from '../support/cli.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { catalogDigest, sql } from '../support/outside.js';

const IN_CI = process.env['CI'] === 'true';
const MIB = 1024 * 1024;
/** The largest file that Linux knows. */
const HUGE = '9223372036854775807';
let place: Place;

beforeEach(() => {
  place = new Place();
  mkdirSync(join(place.tree, 'a/b'), { recursive: true });
  mkdirSync(join(place.tree, 'c'));
  writeFileSync(join(place.tree, 'a/one'), Buffer.alloc(MIB, 1));
  for (const name of ['a/two', 'a/b/three', 'c/four']) link('a/one', name);
  writeFileSync(join(place.tree, 'c/alone'), Buffer.alloc(1000, 2));
  // With holes, and with two names as well.
  writeFileSync(join(place.tree, 'c/holes'), Buffer.alloc(4096, 3));
  truncateSync(join(place.tree, 'c/holes'), 64 * MIB);
  link('c/holes', 'a/holes');
});
afterEach(() => place.remove());

function link(from: string, to: string): void {
  linkSync(join(place.tree, from), join(place.tree, to));
}

/** What `du` counts: each file once. */
function du(...options: string[]): number {
  const files = execFileSync('find', [place.tree, '-type', 'f', '-print0']);
  const out = execFileSync('du', ['--files0-from=-', '-c', '-B1', ...options], { input: files });
  return Number(/(\d+)\ttotal/.exec(out.toString())?.[1]);
}

const scan = (): Promise<Record<string, unknown>> =>
  runJson(place.scanArgs('--checksum', 'none', '--fresh'), 0);

describe('hard links and holes', () => {
  test('each path is recorded, the bytes are told once and without holes beside the sum', async () => {
    const report = await scan();
    const sum = 4 * MIB + 1000 + 128 * MIB;
    // du rounds the one odd file up to a block.
    const once = du() - 4096 + 1000;
    expect(report).toMatchObject({ files: 7, bytes: sum, bytesOnDisk: once });
    const stats = await runJson(place.args('stats'), 0);
    expect(stats).toMatchObject({
      files: 7,
      bytes: sum,
      disk: {
        bytesOnDisk: once,
        hardLinks: { paths: 6, repeatedBytes: sum - du('--apparent-size'), unidentified: 0 },
        sparse: { files: 2, apparentBytes: 128 * MIB },
      },
    });
    const { stdout } = await run(place.args('stats'));
    expect(stdout).toContain('on disk, each file once: 1.0 MiB');
    const listed = execFileSync('find', [
      place.tree,
      '-links',
      '+1',
      '-type',
      'f',
      '-printf',
      '%p|%D|%i|%n\n',
    ]);
    expect(sql(place.catalog, 'SELECT path, device, inode, links FROM hard_links ORDER BY path')).toBe(
      listed.toString().trim().split('\n').sort().join('\n'),
    );
  });

  test('they leave the catalog with their file, or when it is an ordinary one again; a replay gives the same', async () => {
    await scan();
    for (const name of ['a/two', 'c/four', 'a/holes']) rmSync(join(place.tree, name));
    rmSync(join(place.tree, 'a/b'), { recursive: true });
    writeFileSync(join(place.tree, 'c/holes'), 'full');
    expect(await scan()).toMatchObject({ files: 3, bytes: MIB + 1004, bytesOnDisk: MIB + 1004 });
    expect(sql(place.catalog, 'SELECT path FROM hard_links UNION SELECT path FROM sparse_files')).toBe('');
    link('a/one', 'c/again');
    expect(await scan()).toMatchObject({ bytes: 2 * MIB + 1004, bytesOnDisk: MIB + 1004 });
    const facts = 'SELECT * FROM hard_links';
    const [before, digest] = [sql(place.catalog, facts), catalogDigest(place.catalog)];
    await runJson(place.args('replay'), 0);
    expect([sql(place.catalog, facts), catalogDigest(place.catalog)]).toEqual([before, digest]);
  });

  test.runIf(canMountFuse || IN_CI)(
    'where inode numbers identify nothing each path counts, and that is said',
    async () => {
      const mount = await LatencyMount.open(place.tree, join(place.root, 'fuse'), { LATENCY_MS: '0' });
      try {
        const args = ['scan', mount.point, 'Fuse', '--data-dir', place.dataDir, '--engine', 'process'];
        const report = await runJson([...args, '--checksum', 'none'], 0);
        expect(report).toMatchObject({ files: 7, bytes: 132 * MIB + 1000 });
      } finally {
        mount.close();
      }
      const stats = await runJson(place.args('stats'), 0);
      expect(stats).toMatchObject({ disk: { hardLinks: { paths: 6, repeatedBytes: 0, unidentified: 6 } } });
      const { stdout } = await run(place.args('stats'));
      expect(stdout).toMatch(/6 such paths where inode numbers identify nothing/);
    },
  );
});

describe.skipIf(!existsSync('/dev/shm'))('sizes at the end of 64 bits', () => {
  test('one scan, its catalog and its sums are exact, or end where SQLite ends', async () => {
    const tree = mkdtempSync('/dev/shm/nas-scanner-');
    try {
      mkdirSync(join(tree, 'a'));
      for (const name of ['a/x', 'a/y', 'z']) execFileSync('truncate', ['-s', HUGE, join(tree, name)]);
      const sum = String(3n * BigInt(HUGE));
      const args = ['scan', tree, 'Huge', '--data-dir', place.dataDir, '--engine', 'process'];
      const report = await runJson([...args, '--checksum', 'none'], 0);
      expect(report).toMatchObject({ outcome: 'complete', files: 3, bytes: sum, bytesOnDisk: 0 });
      expect(sql(place.catalog, 'SELECT DISTINCT size, typeof(size) FROM files')).toBe(`${HUGE}|integer`);
      const followed = catalogDigest(place.catalog);
      await runJson(place.args('replay'), 0);
      expect(catalogDigest(place.catalog)).toEqual(followed);
      expect(await runJson(place.args('stats'), 0)).toMatchObject({
        bytes: sum,
        mounts: [{ name: 'Huge', bytes: sum }],
        disk: { bytesOnDisk: 0, sparse: { files: 3, apparentBytes: sum } },
        largestDirectories: [
          { path: tree, bytes: HUGE },
          { path: join(tree, 'a'), bytes: HUGE },
        ],
      });
      expect(await runJson(place.args('verify'), 0)).toMatchObject({ sound: true });
      expect(await runJson(place.args('diagnose', '--offline'), 0)).toMatchObject({
        verdict: 'complete',
        totals: { bytes: sum },
        findings: [],
      });
      // Sizes known from the journal plan the next one.
      await runJson([...args, '--checksum', 'none'], 0);
    } finally {
      rmSync(tree, { recursive: true });
    }
  });
});
