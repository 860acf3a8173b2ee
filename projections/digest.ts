import { createHash, type Hash } from 'node:crypto';
import type { Db } from './database.js';

/** What the journal determines, table by table, each in the order of its key. Checkpoints and notes are left out. */
const DIGEST_TABLES = [
  ['files', 'path'],
  ['scanned_dirs', 'path'],
  ['scan_stats', 'mount_point'],
  ['directories', 'path'],
  ['problems', 'scan, directory, path, operation'],
  ['hard_links', 'directory, path'],
  ['sparse_files', 'directory, path'],
  ['scans', 'scan'],
  ['chunks', 'scan, chunk'],
  ['attempts', 'scan, chunk, attempt'],
  ['containers', 'scan, name, chunk, attempt'],
] as const;

export type DigestTable = (typeof DIGEST_TABLES)[number][0];

/** Rows hashed at once. */
const ROWS_PER_UPDATE = 1_000;

/** One digest over all rows of the given tables, and one of each table. Cells differ where type or value does. */
export function catalogDigest(
  database: Db,
  only?: readonly DigestTable[],
): Record<DigestTable | 'all', string> {
  const all = createHash('sha256');
  const digests: Partial<Record<DigestTable | 'all', string>> = {};
  for (const [table, order] of DIGEST_TABLES) {
    if (only?.includes(table) === false) continue;
    const hash = createHash('sha256');
    hashRows(database, `SELECT * FROM ${table} ORDER BY ${order}`, hash);
    digests[table] = hash.digest('hex');
    all.update(digests[table]);
  }
  digests.all = all.digest('hex');
  return digests as Record<DigestTable | 'all', string>;
}

function hashRows(database: Db, sql: string, hash: Hash): void {
  const rows = database.prepare<[], unknown[]>(sql).raw().safeIntegers().iterate();
  let texts: string[] = [];
  for (const row of rows) {
    texts.push(JSON.stringify(row.map(cellText)));
    if (texts.length < ROWS_PER_UPDATE) continue;
    hash.update(texts.join('\n'));
    texts = [];
  }
  hash.update(texts.join('\n'));
}

function cellText(cell: unknown): unknown {
  if (typeof cell === 'bigint') return `i${cell}`;
  if (Buffer.isBuffer(cell)) return `b${cell.toString('hex')}`;
  return typeof cell === 'string' ? `t${cell}` : cell;
}
