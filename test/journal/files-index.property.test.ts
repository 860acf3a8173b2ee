import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexFiles } from '../../journal/files-index.js';
import { rowTotals } from '../../journal/indexed-batch.js';

// What is read in place is what JSON.parse makes of the same bytes, whatever names, numbers and extras are in it;
// and where a payload has another form, it is refused as a whole rather than read wrongly.

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom(
    'a.jpg',
    '.bashrc',
    'name.',
    'ИМЯ.ДЖПЕГ',
    'a"b',
    'a\\b',
    'new\nline',
    'x.TAR.GZ',
    '[1],["',
    '}{',
  ),
  fc.base64String({ minLength: 4, maxLength: 12 }).map((b64) => ({ b64 })),
);
const size = fc.oneof(
  fc.nat(),
  fc.constantFrom<unknown>(0, 2 ** 53 - 1, 999_999_999_999_999, '9007199254740993', '18446744073709551615'),
);
const mtimeNs = fc.oneof(
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
  fc.bigInt({ min: 15n * 10n ** 17n, max: 19n * 10n ** 17n }).map(String),
  fc.constantFrom('0', '-1', '-0', '', 'x'),
);
const checksum = fc.constantFrom(null, '', 'empty', 'ab'.repeat(64), 'blake3:00', 'a"b');
const problem = fc.record({ name, operation: fc.constant('lstat'), code: fc.constantFrom('EACCES', 'E]"}') });

const row = (withChecksum: boolean): fc.Arbitrary<unknown[]> =>
  withChecksum ? fc.tuple(name, size, mtimeNs, checksum) : fc.tuple(name, size, mtimeNs);

const directory = (withChecksum: boolean): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .record({
      path: fc.oneof(
        fc.constantFrom<unknown>('/', '/mnt', '/mnt/a b', '/mnt/ü', '/mnt/q"q', { b64: '/w==' }),
        fc.string({ unit: 'grapheme', maxLength: 20 }).map((tail) => `/mnt/${tail}`),
      ),
      part: fc.integer({ min: 1, max: 3 }),
      last: fc.boolean(),
      rows: fc.array(row(withChecksum), { maxLength: 8 }),
      problems: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(problem) },
      ),
      counts: fc.boolean(),
      extra: fc.constantFrom<Record<string, unknown>>(
        {},
        { vanished: true },
        { mount: 'ext4' },
        { links: [[0, 1, '2', 3]] },
      ),
    })
    .map(({ counts, extra, ...rest }) => ({
      ...rest,
      ...(counts ? { entries: 3, subdirectories: 2, others: 1, excluded: 0 } : {}),
      ...extra,
    }));

const payload = fc.boolean().chain((withChecksum) =>
  fc.record({
    chunk: fc.nat(),
    attempt: fc.nat(),
    columns: fc.constant(['name', 'size', 'mtimeNs', ...(withChecksum ? ['checksum'] : [])]),
    directories: fc.array(directory(withChecksum), { maxLength: 4 }),
  }),
);

function sumOf(rows: unknown[][]): bigint {
  return rows.reduce((sum, row) => sum + BigInt(row[1] as number | string), 0n);
}

test('an indexed payload reads like the parsed one', () => {
  fc.assert(
    fc.property(payload, (data) => {
      const bytes = Buffer.from(JSON.stringify(data));
      const indexed = indexFiles(bytes);
      expect(indexed).not.toBeNull();
      if (indexed === null) return;
      const { chunk, attempt, columns, directories } = indexed;
      expect({ chunk, attempt, columns }).toEqual({
        chunk: data.chunk,
        attempt: data.attempt,
        columns: data.columns,
      });
      expect(directories.length).toBe(data.directories.length);
      directories.forEach((each, i) => {
        const wanted = data.directories[i] ?? {};
        const rows = wanted['rows'] as unknown[][];
        const own = Object.fromEntries(Object.keys(wanted).map((key) => [key, each[key]]));
        expect(own).toEqual(wanted);
        expect(rowTotals(each).files).toBe(rows.length);
        expect(BigInt(rowTotals(each).bytes)).toBe(sumOf(rows));
        const range = indexed.ranges[i];
        expect((range?.to ?? 0) - (range?.from ?? 0) + (range?.odd.length ?? 0)).toBe(rows.length);
      });
    }),
    { numRuns: 500 },
  );
});

test('a payload with one byte changed is refused, or reads like the parsed one', () => {
  const sound = { chunk: 1, attempt: 1, columns: ['name', 'size', 'mtimeNs'] };
  const rows = [
    ['a.jpg', 12, '1700000000000000000'],
    ['b"c', 0, '-5'],
  ];
  const counts = { entries: 2, subdirectories: 0, others: 0, excluded: 0 };
  const bytes = Buffer.from(
    JSON.stringify({
      ...sound,
      directories: [{ path: '/m', part: 1, last: true, rows, problems: [], ...counts }],
    }),
  );
  for (let at = 0; at < bytes.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      const read = tryTo(() => indexFiles(flipped));
      if (read === undefined || read === null) continue;
      const parsed = tryTo(
        () => JSON.parse(flipped.toString()) as { directories: { path: string; rows: unknown[] }[] },
      );
      const [directory] = read.directories;
      // Only a writer's own mistake can make text that is no JSON; its checksum would be right all the same.
      if (parsed === undefined) continue;
      expect(directory?.path).toEqual(parsed.directories[0]?.path);
      expect(directory?.rows).toEqual(parsed.directories[0]?.rows);
    }
  }
});

function tryTo<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
