import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runJson } from '../support/cli.js';
import { sql } from '../support/outside.js';
import { hasTmpfs, tmpfsFolder } from '../support/tmpfs.js';

const MAX = 2n ** 63n - 1n;

/** What is beyond the numbers of JavaScript: sizes, sums of sizes, and times. */
describe.skipIf(!hasTmpfs())('files as big and as old as a file system can say', () => {
  const root = hasTmpfs() ? tmpfsFolder() : '';
  const data = join(root, 'data');
  const tree = join(root, 'tree');
  const digests = new Map<string, string>();
  let report: Record<string, unknown>;

  beforeAll(async () => {
    mkdirSync(join(tree, 'more'), { recursive: true });
    for (const [name, size] of [
      ['max', MAX],
      ['odd', 2n ** 53n + 1n],
      ['more/max-1', MAX - 1n],
      ['more/far', 2n ** 62n + 12_345n],
    ] as const)
      digests.set(join(tree, name), fileWithSamples(join(tree, name), size));
    execFileSync('touch', ['-d', '@99999999999999', join(tree, 'late')]);
    execFileSync('touch', ['-d', '@-99999999999999', join(tree, 'early')]);
    report = await runJson(['scan', tree, 'Extreme', '--data-dir', data, '--engine', 'process'], 0);
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  test('have the checksum of their first, middle and last bytes', () => {
    const rows = sql(join(data, 'smart_catalog.db'), 'SELECT path, checksum FROM files WHERE size > 0');
    expect(new Map(rows.split('\n').map((row) => row.split('|') as [string, string]))).toEqual(digests);
  });

  test('have exact sums in all that comes from the journal', async () => {
    const bytes = String(2n * MAX - 1n + 2n ** 53n + 1n + 2n ** 62n + 12_345n);
    expect(report).toMatchObject({ files: 6, bytes, problems: 0 });
    const { scans } = await runJson(['scans', '--data-dir', data], 0);
    expect(scans).toMatchObject([{ files: 6, bytes }]);
    expect(await runJson(['status', '--data-dir', data], 0)).toMatchObject({ bytes });
    const diagnosis = await runJson(['diagnose', '--offline', '--data-dir', data], 0);
    expect(diagnosis['totals']).toMatchObject({ bytes });
    expect(await runJson(['stats', '--data-dir', data], 0)).toMatchObject({ bytes, mounts: [{ bytes }] });
  });

  test('have a time in stats, in seconds where it is no date', async () => {
    const { stdout } = await run(['stats', '--data-dir', data]);
    expect(stdout).not.toContain('NaN');
    expect(stdout).toMatch(/late +0 B +@99999999999999\n/);
    expect(stdout).toMatch(/early +0 B +@-99999999999999\n/);
  });
});

/** Makes a file with holes and random bytes where a sampled checksum looks; returns what it must be. */
function fileWithSamples(path: string, size: bigint): string {
  const program = `
import hashlib, os, sys
path, size, part = sys.argv[1], int(sys.argv[2]), 65536
file = os.open(path, os.O_RDWR | os.O_CREAT)
os.truncate(file, size)
digest = hashlib.blake2b()
for at in (0, size // 2, size - part):
    before = min(at, 64)
    os.pwrite(file, os.urandom(before + part), at - before)
for at in (0, size // 2, size - part):
    digest.update(os.pread(file, part, at))
print(digest.hexdigest())`;
  return execFileSync('python3', ['-c', program, path, String(size)], { encoding: 'utf8' }).trim();
}
