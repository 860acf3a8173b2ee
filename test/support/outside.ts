import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Looks at what the program left behind with tools that share no code with it: find, sqlite3, python3. */
const CHECKER = join(import.meta.dirname, 'check_journal.py');
/** The system's own, rather than a version manager's shim that takes longer to start than to run. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;

function tool(name: string, args: readonly string[], env: Record<string, string> = {}): Buffer {
  const done = spawnSync(name, args, { maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, ...env } });
  if (done.status !== 0) throw new Error(`${name} ${args.join(' ')}: ${done.stderr.toString()}`);
  return done.stdout;
}

/** What plain `sqlite3` answers. */
export function sql(database: string, query: string): string {
  return tool('sqlite3', ['-readonly', '-cmd', '.timeout 20000', database, query]).toString('utf8').trim();
}

/** `size path` of every regular file that `find` sees, sorted by bytes; names in hex, so any byte may be in them. */
export function listByFind(root: string, ...conditions: string[]): string[] {
  const out = tool('find', [root, ...conditions, '-type', 'f', '-printf', '%s %p\\0'], { LC_ALL: 'C' });
  return splitNul(out);
}

/** Directories that `find` sees, the root included. */
export function countDirectories(root: string): number {
  return tool('find', [root, '-type', 'd', '-printf', 'x']).length;
}

/** What `listByFind` lists, from the catalog. */
export function listByCatalog(database: string): string[] {
  const query = `SELECT size || ' ' || lower(hex(coalesce(path_raw, CAST(path AS BLOB)))) FROM files`;
  return sql(database, query).split('\n').filter(Boolean).sort();
}

function splitNul(out: Buffer): string[] {
  const lines: string[] = [];
  for (let from = 0; from < out.length;) {
    const end = out.indexOf(0, from);
    const space = out.indexOf(0x20, from);
    lines.push(`${out.toString('latin1', from, space)} ${out.toString('hex', space + 1, end)}`);
    from = end + 1;
  }
  return lines.sort();
}

export interface JournalCheck {
  segments: number;
  sealed: number;
  records: number;
  files: number;
  types: Record<string, number>;
  faults: string[];
}

/** What the independent checker makes of a journal. */
export function checkJournal(
  journal: string,
  options: { crashed?: boolean; scan?: string } = {},
): JournalCheck {
  const args = [CHECKER, ...(options.crashed === true ? ['--crashed'] : []), journal];
  const done = spawnSync(PYTHON, [...args, ...(options.scan === undefined ? [] : [options.scan])], {
    maxBuffer: OUTPUT_BYTES_MAX,
    encoding: 'utf8',
  });
  if (done.stdout === '') throw new Error(`the checker failed: ${done.stderr}`);
  return JSON.parse(done.stdout) as JournalCheck;
}

/** A digest over all rows of the former system's tables, every column, in a fixed order: what a replay has to reproduce. */
export function catalogDigest(database: string): string {
  const queries = ['files', 'scan_stats', 'scanned_dirs'].map(
    (table) => `SELECT * FROM ${table} ORDER BY 1;`,
  );
  const rows = tool('sqlite3', [
    '-readonly',
    '-cmd',
    '.timeout 20000',
    '-cmd',
    '.mode quote',
    database,
    queries.join(' '),
  ]);
  return createHash('sha256').update(rows).digest('hex');
}

export interface PlainRecord {
  seq: number;
  epoch: number;
  type: string;
  at: string;
  data: Record<string, unknown>;
}

/** The records of one writer in the order of its segments; lines that are no JSON are left out. */
export function readRecords(journal: string, scan: string, writer = 'coordinator'): PlainRecord[] {
  const folder = join(journal, scan, writer);
  if (!existsSync(folder)) return [];
  const segments = readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .sort();
  return segments.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('"}'))
      .map((line) => JSON.parse(line) as PlainRecord),
  );
}
