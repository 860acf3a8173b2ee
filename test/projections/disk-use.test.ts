import { expect, test } from 'vitest';
import { openDatabase } from '../../projections/database.js';
import { diskUse } from '../../projections/disk-use.js';
import { createSchema } from '../../projections/schema.js';

test('of one scan only files count whose directory it listed to its end, as its sum of bytes does', () => {
  const database = openDatabase(':memory:');
  createSchema(database);
  const directory = database.prepare('INSERT INTO directories (path, listed_scan) VALUES (?, ?)');
  const file = database.prepare('INSERT INTO files (path, size) VALUES (?, ?)');
  const sparse = database.prepare('INSERT INTO sparse_files VALUES (?, ?, ?, ?)');
  for (const [path, listed] of [
    ['/m/whole', 'S'],
    ['/m/lost', null],
  ] as const) {
    directory.run(path, listed);
    file.run(`${path}/holes`, 1000);
    sparse.run(path, `${path}/holes`, 'S', 100);
  }
  expect(diskUse(database, 1000n, 'S')?.bytesOnDisk).toBe(100n);
  expect(diskUse(database, 2000n)?.bytesOnDisk).toBe(200n);
  database.close();
});
