import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { indexFiles } from '../../journal/files-index.js';
import { carry, type IndexedBatch } from '../../journal/indexed-batch.js';
import { FactTables } from '../../projections/catalog-facts.js';
import { FilesTables, type ScanContext } from '../../projections/catalog-files.js';
import { openDatabase, type Db } from '../../projections/database.js';
import { catalogDigest } from '../../projections/digest.js';
import { StagedBatch } from '../../projections/record-block.js';
import { Removal } from '../../projections/removal.js';
import { RowImage } from '../../projections/row-image.js';
import { createSchema } from '../../projections/schema.js';
import { makeImageHead, withImage } from '../../projections/staged-rows.js';

// Records that come with an image leave the same tables as those that do not: directories that are new, known, twice in
// one record, in parts, with problems, or with facts of their files.

const file = fc.tuple(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom('a', 'b.jpg', 'd') }, fc.constant('c "quoted"')),
  fc.oneof({ weight: 9, arbitrary: fc.nat() }, fc.constant('9007199254740993')),
  fc.constantFrom('1700000000000000000', '-5', '1'),
);
const counts = { subdirectories: fc.nat(3), others: fc.nat(3), excluded: fc.nat(3) };
const plain = fc.record({
  path: fc.oneof(
    { weight: 5, arbitrary: fc.nat(19).map((number) => `/m/${number}`) },
    { weight: 1, arbitrary: fc.constantFrom('/', '/m', '/m/"e"', '/m/ü') },
  ),
  part: fc.constant(1),
  last: fc.constant(true),
  rows: fc.array(file, { maxLength: 4 }),
  problems: fc.constant([]),
  entries: fc.nat(9),
  ...counts,
});
const odd = fc.oneof(
  fc.record({ part: fc.integer({ min: 1, max: 2 }), last: fc.boolean() }),
  fc.constant({ problems: [{ name: 'd', operation: 'lstat', code: 'EACCES' }] }),
  fc.constant({ links: [[0, '1', '2', 2]] }),
  fc.constant({ allocated: [[0, 0]] }),
  fc.constant({ entries: undefined }),
);
const directory = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 1, arbitrary: fc.tuple(plain, odd).map(([entry, more]) => ({ ...entry, ...more })) },
);
const batches = fc.array(
  fc.record({ attempt: fc.integer({ min: 1, max: 2 }), directories: fc.array(directory, { maxLength: 3 }) }),
  { minLength: 1, maxLength: 4 },
);

const folder = mkdtempSync(join(tmpdir(), 'nas-staged-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** All tables, and the sums, once these records have been applied one after the other. */
function applied(
  records: readonly IndexedBatch[],
  apply: (database: Db, record: IndexedBatch, to: (batch: IndexedBatch) => void) => void,
): unknown {
  const database = openDatabase(':memory:');
  try {
    createSchema(database);
    const facts = new FactTables(database);
    const tables = new FilesTables(database, new Removal(database, facts), facts);
    const sums = { files: 0, directories: 0, bytes: 0n };
    const context: ScanContext = {
      ...sums,
      scan: 'S',
      mountName: 'm',
      mount: null,
      isElsewhere: () => false,
    };
    database.exec('BEGIN');
    records.forEach((record, i) => {
      apply(database, record, (batch) => {
        tables.apply(batch, context, i);
      });
    });
    database.exec('COMMIT');
    const { files, directories, bytes } = context;
    return { digest: catalogDigest(database), files, directories, bytes };
  } finally {
    database.close();
  }
}

/** As the thread hands a record over. */
function applyStaged(database: Db, record: IndexedBatch, to: (batch: IndexedBatch) => void): void {
  const carried = carry(record);
  const image = new RowImage(makeImageHead());
  const staged = carried === null ? null : image.add(record);
  if (carried === null || staged === null) {
    to(record);
    return;
  }
  const path = join(folder, 'image');
  writeFileSync(path, image.finish());
  const alone = openDatabase(path);
  expect(alone.pragma('integrity_check', { simple: true })).toBe('ok');
  alone.close();
  withImage(database, path, () => {
    to(new StagedBatch(carried, record.bytes, staged));
  });
}

test('records with an image leave the tables that they leave without', () => {
  let whole = 0;
  fc.assert(
    fc.property(batches, (all) => {
      const records = all.map(({ attempt, directories }) => {
        const columns = ['name', 'size', 'mtimeNs'];
        const payload = Buffer.from(JSON.stringify({ chunk: 1, attempt, columns, directories }));
        const record = indexFiles(payload);
        if (record === null) throw new Error('the payload has the form that writers give it');
        return record;
      });
      const image = new RowImage(makeImageHead());
      whole += records.filter((record) => image.add(record)?.directories != null).length;
      const staged = applied(records, applyStaged);
      expect(staged).toEqual(applied(records, (_database, record, to) => to(record)));
    }),
    { numRuns: Number(process.env['NAS_SCANNER_TEST_RUNS'] ?? 12) * 12 },
  );
  expect(whole).toBeGreaterThan(0);
});
