import { FACT_TABLES, type FactTables } from './catalog-facts.js';
import type { Db, Statement } from './database.js';
import {
  behindSubdirectory,
  directoryKey,
  ESCAPED_END,
  inRange,
  ownText,
  parentPath,
  rangesBelow,
  subdirectoryIn,
  type DirectoryKey,
  type PathColumn,
  type PathRange,
} from './path-column.js';

/** Missing paths that are gathered before they are deleted: bounds memory for a directory of millions. */
const MISSING_BATCH_MAX = 10_000;
/** Directories whose count of seen subdirectories is kept while gone ones are looked for. */
const COUNTS_KEPT_MAX = 10_000;
/** So many directories that were seen are passed over in one statement, on average. */
const SEEN_PASSED = 2_000;

interface DirectoryRow {
  path: string;
  path_raw: Buffer | null;
  seen_scan: string | null;
  listed_scan: string | null;
  subdirectories: number | null;
  excluded: number | null;
  mount_point: string | null;
}

interface Held {
  after: string;
  before: string;
  files: number;
  at: number;
}

/**
 * SQL: whether in a range of paths there are `files` rows, all with the time @at: those that a listing has just put
 * there, and nothing else. Then none is missing from it, and nobody has to look at the names.
 */
export function holdsOnly(after: string, before: string, files: string, limit = ''): string {
  const rows = `SELECT scan_time FROM main.files WHERE path > ${after} AND path < ${before} ${limit}`;
  return `(SELECT total(iif(scan_time = @at, 1, -1e9)) = ${files} FROM (${rows}))`;
}

/** A scan that has ended: what it listed proves what is gone. */
export interface EndedScan {
  scan: string;
  mount: DirectoryKey;
  mountName: string | null;
}

/** What leaves the catalog: only what a later complete listing proved gone. */
export class Removal {
  readonly #database: Db;
  readonly #facts: FactTables;
  readonly #filesIn: Statement<[string, string], string>;
  readonly #holdsOnly: Statement<[Held], number>;
  readonly #deleteFile: Statement<[string]>;
  readonly #directory: Statement<[string], DirectoryRow>;
  readonly #directoriesIn: Statement<[string, string], DirectoryRow>;
  readonly #nextUnseen: Statement<[string, string, string], DirectoryRow>;

  constructor(database: Db, facts: FactTables) {
    this.#database = database;
    this.#facts = facts;
    this.#filesIn = database
      .prepare<[string, string], string>('SELECT path FROM files WHERE path >= ? AND path < ? ORDER BY path')
      .pluck();
    this.#holdsOnly = database
      .prepare<[Held], number>(`SELECT ${holdsOnly('@after', '@before', '@files', 'LIMIT @files + 1')}`)
      .pluck();
    this.#deleteFile = database.prepare('DELETE FROM files WHERE path = ?');
    const columns = 'path, path_raw, seen_scan, listed_scan, subdirectories, excluded, mount_point';
    this.#directory = database.prepare(`SELECT ${columns} FROM directories WHERE path = ?`);
    this.#directoriesIn = database.prepare(
      `SELECT ${columns} FROM directories WHERE path >= ? AND path < ? ORDER BY path`,
    );
    this.#nextUnseen = database.prepare(
      `SELECT ${columns} FROM directories WHERE path > ? AND path < ?
         AND (seen_scan IS NOT ? OR random() % ${SEEN_PASSED} = 0) ORDER BY path LIMIT 1`,
    );
  }

  /** Whether all files below a directory are those of its newest listing, by `holdsOnly`. */
  holdsOnly(directory: DirectoryKey, files: number, at: number): boolean {
    const [range, more] = rangesBelow(directory);
    if (range === undefined || more !== undefined) return false;
    const { after, before } = range;
    return this.#holdsOnly.get({ after, before, files, at }) === 1;
  }

  /** Deletes the files lying directly in a directory that its complete listing did not have. */
  missingFiles(directory: DirectoryKey, isListed: (path: string) => boolean): void {
    for (const range of rangesBelow(directory)) {
      let missing: string[] = [];
      let from = range.after;
      for (let done = false; !done;) {
        done = true;
        for (const path of directEntries(range, from, (after) =>
          this.#filesIn.iterate(after, range.before),
        )) {
          if (isListed(path)) continue;
          missing.push(path);
          if (missing.length < MISSING_BATCH_MAX) continue;
          from = path;
          done = false;
          break;
        }
        for (const path of missing) this.#deleteFile.run(path);
        this.#facts.forget(directory, () => missing);
        missing = [];
      }
    }
  }

  /**
   * Deletes what lies in directories that a finished scan proved gone: it listed the parent completely, met as many of
   * its subdirectories as the listing counted, and this one was not among them. What a listing left out by an option leaves
   * too, unless it was last scanned under another name: that is why it was left out.
   */
  goneDirectories(ended: EndedScan): void {
    const { scan, mount } = ended;
    const counts = new Map<string, number>();
    for (const range of rangesBelow(mount)) {
      let from = range.after;
      for (;;) {
        const unseen = this.#lookOn(from, range, scan);
        if (unseen === undefined) break;
        from = unseen.path;
        if (unseen.seen_scan === scan || !inRange(range, unseen.path)) continue;
        const gone = this.#goneAncestor(unseen, ended, counts);
        if (gone !== null) this.#deleteBelow(gone);
      }
    }
  }

  /**
   * The next directory that the scan has not seen or, now and then, one that it has. A thread ends only between two
   * statements, at a call like this: one over millions of directories of a cold disk takes half a minute.
   */
  #lookOn(from: string, { before }: PathRange, scan: string): DirectoryRow | undefined {
    return this.#nextUnseen.get(from, before, scan);
  }

  /** The directory itself or the ancestor of it that is proved gone; null where neither is. */
  #goneAncestor(
    unseen: PathColumn | DirectoryRow,
    { scan, mount, mountName }: EndedScan,
    counts: Map<string, number>,
  ): DirectoryKey | null {
    let child: DirectoryKey = directoryKey(pathText(unseen));
    while (child.text !== mount.text) {
      const above = parentPath(child);
      if (above === null) return null;
      const parent = directoryKey(above);
      const row = this.#directory.get(parent.text);
      if (row?.listed_scan === scan) {
        const another = this.#directory.get(child.text)?.mount_point ?? mountName;
        if ((row.excluded ?? 0) > 0 && another !== mountName) return null;
        return this.#seenIn(parent, scan, counts) === row.subdirectories ? child : null;
      }
      if (row?.seen_scan === scan) return null;
      child = parent;
    }
    return null;
  }

  /** How many subdirectories of a directory the scan met. */
  #seenIn(parent: DirectoryKey, scan: string, counts: Map<string, number>): number {
    const kept = counts.get(parent.text);
    if (kept !== undefined) return kept;
    let seen = 0;
    for (const range of rangesBelow(parent)) {
      const rows = (after: string): IterableIterator<DirectoryRow> =>
        this.#directoriesIn.iterate(after, range.before);
      for (const row of directEntries(range, range.after, rows)) if (row.seen_scan === scan) seen += 1;
    }
    if (counts.size >= COUNTS_KEPT_MAX) counts.clear();
    counts.set(parent.text, seen);
    return seen;
  }

  #deleteBelow(gone: DirectoryKey): void {
    for (const table of ['directories', 'scanned_dirs']) {
      this.#database.prepare(`DELETE FROM ${table} WHERE path = ?`).run(gone.text);
    }
    for (const table of FACT_TABLES) {
      this.#database.prepare(`DELETE FROM ${table} WHERE directory = ?`).run(gone.text);
    }
    for (const range of rangesBelow(gone)) {
      for (const table of ['files', 'directories', 'scanned_dirs']) this.#deleteRange(table, 'path', range);
      for (const table of FACT_TABLES) this.#deleteRange(table, 'directory', range);
    }
  }

  #deleteRange(table: string, column: 'path' | 'directory', range: PathRange): void {
    const only =
      range.only === 'all' ? '' : ` AND substr(${column}, -2) ${range.only === 'escaped' ? '=' : '<>'} '//'`;
    this.#database
      .prepare(`DELETE FROM ${table} WHERE ${column} > ? AND ${column} < ? AND ${column} <> ?${only}`)
      .run(range.after, range.before, ownText(range));
  }
}

function pathText(row: PathColumn | DirectoryRow): string | { b64: string } {
  if ('text' in row) return row.raw === null ? row.text : { b64: row.raw.toString('base64') };
  return row.path_raw === null ? row.path : { b64: row.path_raw.toString('base64') };
}

/**
 * The entries lying directly in a range's directory. Whole subdirectories are skipped by a seek each, so that the cost
 * is that of the directory's own entries, however much lies below.
 */
function* directEntries<T extends string | { path: string }>(
  range: PathRange,
  from: string,
  rows: (after: string) => IterableIterator<T>,
): Generator<T> {
  let after: string | null = from;
  let soughtOwn: string | null = null;
  while (after !== null) {
    const start: string = after;
    after = null;
    for (const row of rows(start)) {
      const path = typeof row === 'string' ? row : row.path;
      const subdirectory = subdirectoryIn(range, path);
      if (subdirectory !== null) {
        // A directory that is not UTF-8 ends in `//` and stands among what lies in it: it is sought first.
        const own = range.after + subdirectory + ESCAPED_END;
        const seek = soughtOwn !== own && path < own;
        soughtOwn = own;
        after = seek ? own : behindSubdirectory(range, subdirectory);
        break;
      }
      if (inRange(range, path)) yield row;
    }
  }
}
