import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexFiles } from '../../journal/files-index.js';
import { BulkInsert } from '../../projections/bulk-insert.js';
import { openDatabase } from '../../projections/database.js';
import { fileRow } from '../../projections/file-row.js';
import { PackedInsert } from '../../projections/packed-insert.js';
import { directoryKey } from '../../projections/path-column.js';
import { createSchema } from '../../projections/schema.js';

// The rows that SQLite cuts out of a payload are those that are made cell by cell: type and value of each.

const name = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }),
  fc
    .tuple(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 6 }),
      fc.constantFrom(
        '.JPG',
        '.tar',
        '.sparseBundle',
        '.7z',
        '.',
        '..x',
        '.ÄÖ',
        '.unknown',
        '.longextension1',
      ),
    )
    .map(([stem, extension]) => stem + extension),
);
const row = fc.tuple(
  name,
  fc.oneof(fc.nat(), fc.constantFrom(0, 999_999_999_999_999)),
  fc.oneof(
    fc.bigInt({ min: 0n, max: 4n * 10n ** 18n }).map(String),
    fc.bigInt({ min: -(10n ** 18n), max: 0n }).map(String),
    fc.constantFrom('8999999999999999999', '-8999999999999999999', '0'),
  ),
  fc.constantFrom(null, 'empty', 'ab'.repeat(64), `blake3:${'0'.repeat(64)}`),
);
const directory = fc.record({
  path: fc.oneof(
    fc.constantFrom('/mnt', '/mnt/ü'),
    fc.string({ unit: 'grapheme', maxLength: 9 }).map((s) => `/m/${s}x`),
  ),
  rows: fc.array(row, { maxLength: 12 }),
});

function contents(fill: (database: ReturnType<typeof openDatabase>) => void): unknown[] {
  const database = openDatabase(':memory:');
  try {
    createSchema(database);
    fill(database);
    const cells = [
      'path',
      'size',
      'mtime',
      'checksum',
      'mount_point',
      'file_type',
      'extension',
      'scan_time',
      'path_raw',
    ];
    const columns = cells.flatMap((cell) => [cell, `typeof(${cell})`]).join(', ');
    return database.prepare(`SELECT ${columns} FROM files ORDER BY path`).raw().safeIntegers().all();
  } finally {
    database.close();
  }
}

test('rows cut out of a payload equal rows made cell by cell', () => {
  fc.assert(
    fc.property(fc.array(directory, { maxLength: 5 }), (directories) => {
      const columns = ['name', 'size', 'mtimeNs', 'checksum'];
      const payload = {
        chunk: 1,
        attempt: 1,
        columns,
        directories: directories.map(({ path, rows }) => ({ path, part: 1, last: true, rows, problems: [] })),
      };
      const batch = indexFiles(Buffer.from(JSON.stringify(payload)));
      if (batch === null) throw new Error('the payload has the form that writers give it');
      const at = { name: 0, size: 1, mtimeNs: 2, checksum: 3 };
      const plain = new Map<string, number>();
      const packed = contents((database) => new PackedInsert(database).files(batch, 'Mount', 1.5));
      const single = contents((database) => {
        const rows = batch.directories.flatMap((each, i) =>
          each.rows
            .filter(
              (cells) =>
                !(batch.ranges[i]?.odd ?? []).some((odd) => JSON.stringify(odd) === JSON.stringify(cells)),
            )
            .map((cells) => fileRow(directoryKey(each.path), cells, at).row),
        );
        for (const [path] of rows) plain.set(path, 1);
        new BulkInsert(database).files(rows, 'Mount', 1.5);
      });
      expect(packed).toEqual(single);
      expect(packed.length).toBe(plain.size);
    }),
    { numRuns: 200 },
  );
});

test('more rows than the first statement takes', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => [
    `f${i}.jpg`,
    i,
    `${1_700_000_000_000_000_000n + BigInt(i)}`,
  ]);
  const payload = {
    chunk: 1,
    attempt: 1,
    columns: ['name', 'size', 'mtimeNs'],
    directories: [{ path: '/m', part: 1, last: true, rows, problems: [] }],
  };
  const batch = indexFiles(Buffer.from(JSON.stringify(payload)));
  expect(batch?.plain.count).toBe(rows.length);
  if (batch === null) return;
  expect(contents((database) => new PackedInsert(database).files(batch, null, 0)).length).toBe(rows.length);
});
