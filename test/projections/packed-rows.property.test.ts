import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { indexFiles } from '../../journal/files-index.js';
import type { IndexedBatch } from '../../journal/indexed-batch.js';
import { BulkInsert } from '../../projections/bulk-insert.js';
import { openDatabase, type Db } from '../../projections/database.js';
import { fileRow } from '../../projections/file-row.js';
import { RowPacker } from '../../projections/pack-rows.js';
import { PackedInsert } from '../../projections/packed-insert.js';
import { directoryKey } from '../../projections/path-column.js';
import { plainSums } from '../../projections/plain-directories.js';
import { RowImage } from '../../projections/row-image.js';
import { createSchema } from '../../projections/schema.js';
import { makeImageHead, StagedRows, withImage } from '../../projections/staged-rows.js';

// The rows that SQLite takes from packed bytes, or from an image, are those that are made cell by cell: type and value of
// each.

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

function contents(fill: (database: Db) => void): unknown[] {
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

/** What is to be read in one go, as SQLite cuts it up. */
function insertPacked(database: Db, batch: IndexedBatch, mount: string | null, at: number): void {
  const insert = new PackedInsert(database);
  for (const packed of new RowPacker().pack(batch)) insert.files(packed, mount, at);
}

/** The same from an image. @returns whether all rows fit into one */
function insertStaged(database: Db, batch: IndexedBatch, mount: string | null, at: number): boolean {
  const image = new RowImage(makeImageHead());
  const range = image.add(batch, plainSums(batch));
  if (range === null) return false;
  const path = join(folder, 'image');
  writeFileSync(path, image.finish());
  const alone = openDatabase(path);
  expect(alone.pragma('integrity_check', { simple: true })).toBe('ok');
  alone.close();
  database.exec('BEGIN');
  withImage(database, path, () => {
    new StagedRows(database).files(range.rows, mount, at);
  });
  database.exec('COMMIT');
  return true;
}

const folder = mkdtempSync(join(tmpdir(), 'nas-rows-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('rows packed or in an image equal rows made cell by cell', () => {
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
      const packed = contents((database) => {
        insertPacked(database, batch, 'Mount', 1.5);
      });
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
      const fit: boolean[] = [];
      const staged = contents((database) => {
        fit.push(insertStaged(database, batch, 'Mount', 1.5));
      });
      // A time beyond what a double is sure of is left to others.
      const isFar = directories.some(({ rows }) =>
        rows.some(([, , mtime]) => Math.abs(Number(mtime)) > 4.6e18),
      );
      expect(isFar || fit[0]).toBe(true);
      if (fit[0] === true) expect(staged).toEqual(single);
    }),
    { numRuns: 200 },
  );
});

function manyRows(count: number, path: string): IndexedBatch {
  const rows = Array.from({ length: count }, (_, i) => [
    `f${i}.x${i % 5000}`,
    i,
    `${1_700_000_000_000_000_000n + BigInt(i)}`,
    i % 3 === 0 ? null : 'ab'.repeat(64),
  ]);
  const payload = {
    chunk: 1,
    attempt: 1,
    columns: ['name', 'size', 'mtimeNs', 'checksum'],
    directories: [{ path, part: 1, last: true, rows, problems: [] }],
  };
  const batch = indexFiles(Buffer.from(JSON.stringify(payload)));
  if (batch === null) throw new Error('the payload has the form that writers give it');
  expect(batch.plain.count).toBe(count);
  return batch;
}

test.each([
  ['more rows than one step packs', 6_000, '/m'],
  ['more texts than one step packs', 2_000, `/m/${'deep/'.repeat(800)}x`],
])('%s', (_what, count, path) => {
  const batch = manyRows(count, path);
  const packed = contents((database) => {
    insertPacked(database, batch, null, 0);
  });
  expect(packed.length).toBe(count);
  const one = contents((database) => {
    const at = { name: 0, size: 1, mtimeNs: 2, checksum: 3 };
    const rows = batch.directories.flatMap((each) =>
      each.rows.map((cells) => fileRow(directoryKey(each.path), cells, at).row),
    );
    new BulkInsert(database).files(rows, null, 0);
  });
  expect(packed).toEqual(one);
});

test('an image of many pages holds every row, and takes none of a record that does not fit whole', () => {
  const image = new RowImage(makeImageHead());
  const first = manyRows(3_000, '/first');
  const tooMuch = manyRows(4_000, `/m/${'deep/'.repeat(300)}x`);
  expect(image.add(first, null)?.rows).toEqual({ from: 1, to: 3_000 });
  expect(image.add(tooMuch, plainSums(tooMuch))).toBeNull();
  const second = manyRows(500, '/second');
  expect(image.add(second, plainSums(second))?.rows).toEqual({ from: 3_001, to: 3_500 });
  const path = join(folder, 'many');
  writeFileSync(path, image.finish());
  const database = openDatabase(path);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  const paths = database.prepare<[], string>('SELECT path FROM rows ORDER BY rowid').pluck().all();
  database.close();
  const named = (batch: IndexedBatch): string[] =>
    batch.directories.flatMap((each) =>
      each.rows.map(([name]) => `${each.path as string}/${name as string}`),
    );
  expect(paths).toEqual([...named(first), ...named(second)]);
});
