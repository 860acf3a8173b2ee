import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { EventData } from '../../journal/events/index.js';
import { indexFiles } from '../../journal/files-index.js';
import type { IndexedBatch } from '../../journal/indexed-batch.js';
import { FactTables } from '../../projections/catalog-facts.js';
import { FilesTables, type ScanContext } from '../../projections/catalog-files.js';
import { openDatabase, type Db } from '../../projections/database.js';
import { catalogDigest } from '../../projections/digest.js';
import { directoryKey } from '../../projections/path-column.js';
import { plainSums } from '../../projections/plain-directories.js';
import { stage, StagedBatch } from '../../projections/record-block.js';
import { Removal } from '../../projections/removal.js';
import { RowImage } from '../../projections/row-image.js';
import { createSchema } from '../../projections/schema.js';
import { makeImageHead, withImage } from '../../projections/staged-rows.js';

// Records whose directories go in all at once, with an image or without, leave the tables that they leave one by one:
// directories that are new, known, twice in one record, in parts, with problems, or with facts of their files.

const file = fc.tuple(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom('a', 'b.jpg', 'd') }, fc.constant('c "quoted"')),
  fc.oneof({ weight: 9, arbitrary: fc.nat() }, fc.constant('9007199254740993')),
  fc.constantFrom('1700000000000000000', '-5', '1'),
);
const counts = { subdirectories: fc.nat(3), others: fc.nat(3), excluded: fc.nat(3) };
const plain = fc.record({
  path: fc.oneof(
    { weight: 8, arbitrary: fc.nat(1).map((number) => `/m/${number}`) },
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
  { weight: 1, arbitrary: plain },
  { weight: 1, arbitrary: fc.tuple(plain, odd).map(([entry, more]) => ({ ...entry, ...more })) },
);
/** Rows with escapes or huge sizes go in behind the others of their record: no file may come in both ways. */
function isFair(directories: readonly { path: string; rows: readonly (readonly unknown[])[] }[]): boolean {
  const huge = (row: readonly unknown[]): boolean => typeof row[1] === 'string';
  const files = directories.flatMap(({ path, rows }) => rows.map((row) => `${path}/${String(row[0])}`));
  const hugeOnes = directories.flatMap(({ path, rows }) =>
    rows.filter(huge).map((row) => `${path}/${String(row[0])}`),
  );
  return hugeOnes.every((file) => files.indexOf(file) === files.lastIndexOf(file));
}
const batches = fc.array(
  fc.record({
    scan: fc.nat(2),
    attempt: fc.integer({ min: 1, max: 2 }),
    directories: fc.array(directory, { maxLength: 3 }).filter(isFair),
  }),
  { minLength: 1, maxLength: 5 },
);

const folder = mkdtempSync(join(tmpdir(), 'nas-staged-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Recorded {
  scan: string;
  batch: IndexedBatch;
}
type Apply = (database: Db, batch: IndexedBatch, to: (batch: EventData<'files.batch'>) => void) => void;

/** All tables, and the sums, once these records have been applied one after the other. */
function applied(records: readonly Recorded[], apply: Apply): unknown {
  const database = openDatabase(':memory:');
  try {
    createSchema(database);
    const facts = new FactTables(database);
    const tables = new FilesTables(database, new Removal(database, facts), facts);
    const shared = { mountName: 'm', mount: directoryKey('/m'), isElsewhere: () => true };
    const contexts = new Map<string, ScanContext>();
    database.exec('BEGIN');
    records.forEach(({ scan, batch }, i) => {
      const context = contexts.get(scan) ?? { scan, ...shared, files: 0, directories: 0, bytes: 0n };
      contexts.set(scan, context);
      apply(database, batch, (given) => {
        tables.apply(given, context, i);
      });
    });
    database.exec('COMMIT');
    const sums = [...contexts.values()].map(({ files, directories, bytes }) => [files, directories, bytes]);
    return { digest: catalogDigest(database), sums };
  } finally {
    database.close();
  }
}

/** As the thread hands a record over. */
const applyStaged: Apply = (database, record, to) => {
  const image = new RowImage(makeImageHead());
  const head = stage(record.bytes, image);
  if (head === null) {
    to(record);
    return;
  }
  const path = join(folder, 'image');
  writeFileSync(path, image.finish());
  const alone = openDatabase(path);
  expect(alone.pragma('integrity_check', { simple: true })).toBe('ok');
  alone.close();
  withImage(database, path, () => {
    to(new StagedBatch(head, record.bytes));
  });
};

test('records taken in all at once leave the tables that they leave directory by directory', () => {
  let plainRecords = 0;
  fc.assert(
    fc.property(batches, (all) => {
      const records = all
        .sort((a, b) => a.scan - b.scan)
        .map(({ scan, attempt, directories }): Recorded => {
          const columns = ['name', 'size', 'mtimeNs'];
          const payload = Buffer.from(JSON.stringify({ chunk: 1, attempt, columns, directories }));
          const batch = indexFiles(payload);
          if (batch === null) throw new Error('the payload has the form that writers give it');
          return { scan: `S${scan}`, batch };
        });
      plainRecords += records.filter(({ batch }) => plainSums(batch) !== null).length;
      const truth = applied(records, (_database, { bytes }, to) => {
        to(JSON.parse(bytes.toString()) as EventData<'files.batch'>);
      });
      expect(applied(records, (_database, batch, to) => to(batch))).toEqual(truth);
      expect(applied(records, applyStaged)).toEqual(truth);
    }),
    { numRuns: Number(process.env['NAS_SCANNER_TEST_RUNS'] ?? 12) * 30 },
  );
  expect(plainRecords).toBeGreaterThan(0);
});
