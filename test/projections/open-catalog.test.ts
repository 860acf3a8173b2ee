import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openForBuilding } from '../../projections/open-catalog.js';

test('a catalog that is being built keeps no journal, neither of the transaction nor of a statement', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nas-scanner-open-'));
  try {
    const database = openForBuilding(join(folder, 'catalog.db'));
    expect(database.pragma('journal_mode', { simple: true })).toBe('off');
    expect(database.pragma('synchronous', { simple: true })).toBe(0);
    expect(database.inTransaction).toBe(true);
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
