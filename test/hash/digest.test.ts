import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { AsyncDigester } from '../../src/hash/digest-async.js';
import { SyncDigester, type FileDigest } from '../../src/hash/digest-sync.js';
import { SAMPLE_BYTES, WHOLE_BYTES_MAX, rangesOf, type DigestMode } from '../../src/hash/sampling.js';
import { TimedCalls } from '../../src/walk/timed.js';
import { hasTmpfs, tmpfsFolder } from '../support/tmpfs.js';

const root = mkdtempSync(join(tmpdir(), 'nas-scanner-hash-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const calls = new TimedCalls(60_000);

/** Both digesters; they must agree. */
async function digest(mode: DigestMode, path: string, size: number | bigint): Promise<FileDigest> {
  const sync = new SyncDigester(mode, () => undefined).digest(path, BigInt(size));
  const async = await new AsyncDigester(mode, (start) => calls.call(start)).digest(path, BigInt(size));
  expect(async).toEqual(sync);
  return sync;
}

/** A file of pseudo-random content, and its path. */
function fileOf(name: string, size: number): string {
  const path = join(root, name);
  const block = Buffer.from(Array.from({ length: 65_537 }, (_, index) => (index * 7919) >>> 3));
  const file = openSync(path, 'w');
  for (let at = 0; at < size; at += block.length)
    writeSync(file, block, 0, Math.min(block.length, size - at));
  closeSync(file);
  return path;
}

/** What the system's own tools say; `python3` for BLAKE2b of samples. */
function b2sum(...paths: string[]): string {
  return execFileSync('sh', ['-c', 'cat "$@" | b2sum', '-', ...paths], { encoding: 'utf8' }).slice(0, 128);
}

describe('the sampled checksum', () => {
  test('of an empty file is the word empty, of whatever mode', async () => {
    const path = fileOf('empty', 0);
    expect(await digest('sampled', path, 0)).toEqual({ checksum: 'empty', short: false });
    expect(await digest('full', path, 0)).toEqual({ checksum: 'empty', short: false });
  });

  test.each([1, 4096, 65_536, 1_048_576, 1_048_577, WHOLE_BYTES_MAX])(
    'of a file of %i bytes is BLAKE2b-512 of all of it',
    async (size) => {
      const path = fileOf(`whole-${size}`, size);
      expect((await digest('sampled', path, size)).checksum).toBe(b2sum(path));
    },
  );

  test.each([WHOLE_BYTES_MAX + 1, WHOLE_BYTES_MAX + 12_345])(
    'of a file of %i bytes is that of its beginning, its middle and its end',
    async (size) => {
      const path = fileOf(`big-${size}`, size);
      const part = (name: string, offset: number): string => {
        const out = join(root, name);
        const command = `tail -c +${offset + 1} "$1" | head -c ${SAMPLE_BYTES} > "$2"`;
        execFileSync('sh', ['-c', command, '-', path, out]);
        return out;
      };
      const parts = [
        part('first', 0),
        part('middle', Math.floor(size / 2)),
        part('last', size - SAMPLE_BYTES),
      ];
      expect((await digest('sampled', path, size)).checksum).toBe(b2sum(...parts));
    },
  );

  test('a file that has become shorter is told', async () => {
    const path = fileOf('shrinks', 100_000);
    truncateSync(path, 50_000);
    expect((await digest('sampled', path, 100_000)).short).toBe(true);
  });
});

test('the full checksum is BLAKE3 of every byte, labelled', async () => {
  const path = join(root, 'abc');
  writeFileSync(path, 'abc');
  // The published test vector of BLAKE3.
  const vector = '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85';
  expect((await digest('full', path, 3)).checksum).toBe(`blake3:${vector}`);
  const big = fileOf('full', WHOLE_BYTES_MAX + 777);
  const whole = (await digest('full', big, WHOLE_BYTES_MAX + 777)).checksum;
  writeSync(openSync(big, 'r+'), 'x', 5_000_000);
  expect((await digest('full', big, WHOLE_BYTES_MAX + 777)).checksum).not.toBe(whole);
});

describe('what is read of a file', () => {
  const sizes = [
    ...[1n, 2n ** 20n, 2n ** 33n + 1n, 2n ** 53n - 1n],
    ...[2n ** 53n, 2n ** 53n + 1n, 2n ** 53n + 131_071n, 2n ** 62n + 7n, 2n ** 63n - 1n],
  ];

  test.each(sizes)('of %s bytes: all of it, in order, at exact places', (size) => {
    let end = 0n;
    for (const { offset, length } of rangesOf('full', size)) {
      expect(BigInt(offset)).toBe(end);
      end += BigInt(length);
      expect(typeof offset).toBe(end < 2n ** 53n ? 'number' : 'bigint');
    }
    expect(end).toBe(size);
  });

  test.each(sizes.filter((size) => size > WHOLE_BYTES_MAX))('of %s bytes: three samples', (size) => {
    const length = SAMPLE_BYTES;
    const ranges = rangesOf('sampled', size);
    expect(ranges.map(({ offset }) => BigInt(offset))).toEqual([0n, size / 2n, size - BigInt(length)]);
    for (const range of ranges) {
      expect(range.length).toBe(length);
      if (typeof range.offset === 'number') expect(range.offset + length).toBeLessThan(2 ** 53);
    }
  });

  test.skipIf(!hasTmpfs()).each(sizes.slice(3))('of %s bytes, by both digesters', async (size) => {
    const folder = tmpfsFolder();
    try {
      const path = join(folder, 'sparse');
      const bytes = `import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
size = int(sys.argv[2])
os.truncate(file, size)
for at, what in ((size // 2 - 1, b'<middle>'), (size - 8, b'the end>')): os.pwrite(file, what, at)`;
      execFileSync('python3', ['-c', bytes, path, String(size)]);
      const expected = createHash('blake2b512')
        .update(Buffer.alloc(SAMPLE_BYTES))
        .update(Buffer.concat([Buffer.from('middle>'), Buffer.alloc(SAMPLE_BYTES - 7)]))
        .update(Buffer.concat([Buffer.alloc(SAMPLE_BYTES - 8), Buffer.from('the end>')]));
      expect(await digest('sampled', path, size)).toEqual({ checksum: expected.digest('hex'), short: false });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('a symlink or a missing file is refused with its errno', async () => {
  execFileSync('ln', ['-s', 'empty', join(root, 'link')]);
  await expect(digest('sampled', join(root, 'link'), 1)).rejects.toMatchObject({ code: 'ELOOP' });
  await expect(digest('sampled', join(root, 'missing'), 1)).rejects.toMatchObject({ code: 'ENOENT' });
});
