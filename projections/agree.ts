import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from './database.js';
import { catalogDigest, type DigestTable } from './digest.js';
import { isDataDirLocked } from './lock.js';
import { openForReading } from './open-catalog.js';
import { replay } from './runner.js';
import { catalogKind, type CatalogKind } from './schema.js';

/** What users read. */
const TABLES: readonly DigestTable[] = ['files', 'scanned_dirs', 'scan_stats'];

export interface Agreement {
  /** null: that cannot be said; `detail` says why. */
  agrees: boolean | null;
  detail: string;
}

/**
 * Whether the catalog holds exactly the rows that the journal gives: builds another one in a temporary folder, and
 * compares all rows. Takes as long as a replay.
 */
export async function catalogAgrees(options: { dataDir: string; databaseName: string }): Promise<Agreement> {
  const path = join(options.dataDir, options.databaseName);
  if (!existsSync(path)) return { agrees: null, detail: 'there is no catalog; nas-scanner replay makes it' };
  if (isDataDirLocked(options.dataDir)) {
    return { agrees: null, detail: 'a scan is running: the catalog is being written' };
  }
  let database: Db | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'nas-scanner-agree-'));
  try {
    database = openForReading(path);
    const kind = catalogKind(database, path);
    if (kind !== 'ours') return { agrees: null, detail: WHY[kind] };
    const { catalog } = await replay({ ...options, to: join(folder, 'catalog.db') });
    return compare(database, catalog);
  } catch (error) {
    return { agrees: null, detail: `it cannot be compared: ${(error as Error).message}` };
  } finally {
    database?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const WHY: Record<Exclude<CatalogKind, 'ours'>, string> = {
  empty: 'the catalog is empty; nas-scanner replay makes it',
  former: 'the catalog is of the former system; the next scan or replay takes it over',
  older:
    'the catalog is of an older version, or holds a part of the journal only; nas-scanner replay renews it',
  foreign: 'the file is no catalog',
};

function compare(database: Db, other: string): Agreement {
  const replayed = openForReading(other);
  try {
    const [here, there] = [catalogDigest(database, TABLES), catalogDigest(replayed, TABLES)];
    const different = TABLES.filter((table) => here[table] !== there[table]);
    if (different.length === 0) return { agrees: true, detail: 'the catalog holds what the journal gives' };
    return {
      agrees: false,
      detail: `the catalog differs from the journal in ${different.join(', ')}; nas-scanner replay mends it`,
    };
  } finally {
    replayed.close();
  }
}
