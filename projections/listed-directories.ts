import type { IndexedBatch } from '../journal/indexed-batch.js';
import type { Db, Statement } from './database.js';
import type { ListingSource } from './directory-table.js';
import { numbersOf, PLAIN_DIRECTORY_COLUMNS } from './plain-directories.js';
import { holdsOnly } from './removal.js';
import type { StagedRange } from './row-image.js';

/**
 * Directories of a record that are all plain (see plain-directories.ts), as rows of a table that is not the catalog's:
 * a few statements take them in, however many they are. Their paths are unique, valid UTF-8 and without backslashes.
 */
export class ListedDirectories {
  readonly #database: Db;
  readonly #table: string;
  #statements: Statements | null = null;

  /** @param table `path` and the columns of `numbersOf`, keyed by a number; it need not be there before it is used */
  constructor(database: Db, table: string) {
    this.#database = database;
    this.#table = table;
  }

  /**
   * Whether none of them has to be looked at by itself: because this scan has met it already, because facts are known
   * of its files, or because it is the mount and holds nothing.
   */
  areCalm({ from, to }: StagedRange, scan: string, mount: string | null): boolean {
    return this.#prepared().restless.get({ from, to, scan, mount }) === 0;
  }

  /**
   * Those that were known before and may hold files that their listing did not have. Asked when its rows are in `files`
   * and the directories are not taken in yet.
   * @param at `scan_time` of its rows
   * @returns how many stand before each in the record
   */
  doubtful({ from, to }: StagedRange, at: number): number[] {
    return this.#prepared()
      .doubtful.all({ from, to, at })
      .map((key) => key - from);
  }

  /** Takes them in as complete. */
  put({ from, to }: StagedRange, source: ListingSource): void {
    const { directories, scanned } = this.#prepared();
    directories.run({ ...source, from, to });
    scanned.run(source.mountName, source.atSeconds, from, to);
  }

  #prepared(): Statements {
    return (this.#statements ??= prepare(this.#database, this.#table));
  }
}

interface Statements {
  restless: Statement<[StagedRange & { scan: string; mount: string | null }], number>;
  doubtful: Statement<[StagedRange & { at: number }], number>;
  directories: Statement<[StagedRange & ListingSource]>;
  scanned: Statement<[mount: string | null, at: number, from: number, to: number]>;
}

function prepare(database: Db, table: string): Statements {
  return {
    restless: database
      .prepare<[StagedRange & { scan: string; mount: string | null }], number>(
        `SELECT count(*) FROM ${table} AS l LEFT JOIN main.directories AS d ON d.path = l.path
         WHERE l.rowid BETWEEN @from AND @to AND (
           d.scan = @scan OR d.listed_scan = @scan OR (l.entries = 0 AND l.path = @mount)
           OR EXISTS (SELECT 1 FROM main.hard_links WHERE directory = l.path)
           OR EXISTS (SELECT 1 FROM main.sparse_files WHERE directory = l.path))`,
      )
      .pluck(),
    // What lies below subdirectories would have to be counted, too: theirs are looked at by name. With `l` in place of
    // `d`, SQLite would count also for directories that are new.
    doubtful: database
      .prepare<[StagedRange & { at: number }], number>(
        `SELECT l.rowid FROM ${table} AS l CROSS JOIN main.directories AS d ON d.path = l.path
         WHERE l.rowid BETWEEN @from AND @to AND
           (l.subdirectories > 0 OR NOT ${holdsOnly("d.path || '/'", "d.path || '0'", 'l.files')})`,
      )
      .pluck(),
    directories: database.prepare(
      `INSERT OR REPLACE INTO main.directories (path, mount_point, scan, chunk, attempt, part, tracked, part_files,
         part_bytes, seen_scan, listed_scan, listed_at, files, bytes, entries, subdirectories, others, excluded)
       SELECT path, @mountName, @scan, @chunk, @attempt, 1, 0, files, bytes,
         @scan, @scan, @atSeconds, files, bytes, entries, subdirectories, others, excluded
       FROM ${table} WHERE rowid BETWEEN @from AND @to`,
    ),
    scanned: database.prepare(
      `INSERT OR REPLACE INTO main.scanned_dirs (path, mount_point, scan_time)
       SELECT path, ?, ? FROM ${table} WHERE rowid BETWEEN ? AND ?`,
    ),
  };
}

const OWN_TABLE = 'temp.listed_directories';

/** The same for records that come without an image: a table of the connection's own holds the directories of one. */
export class OwnListedDirectories extends ListedDirectories {
  readonly #empty: Statement<[]>;
  readonly #fill: Statement<[]>;
  #batch: Pick<IndexedBatch, 'directories'> = { directories: [] };

  constructor(database: Db) {
    super(database, OWN_TABLE);
    const names = ['path', ...PLAIN_DIRECTORY_COLUMNS];
    database.exec(`CREATE TEMP TABLE listed_directories (key INTEGER PRIMARY KEY, ${names.join(', ')})`);
    const rows = (): Iterable<unknown[]> =>
      this.#batch.directories.map((each) => [each.path, ...numbersOf(each)]);
    database.table('directories_of_record', {
      columns: names,
      *rows() {
        yield* rows();
      },
    });
    this.#empty = database.prepare(`DELETE FROM ${OWN_TABLE}`);
    this.#fill = database.prepare(
      `INSERT INTO ${OWN_TABLE} (${names.join(', ')}) SELECT * FROM directories_of_record`,
    );
  }

  /** Holds the directories of a record instead of those before. */
  fill(batch: Pick<IndexedBatch, 'directories'>): StagedRange {
    this.#batch = batch;
    this.#empty.run();
    this.#fill.run();
    this.#batch = { directories: [] };
    return { from: 1, to: batch.directories.length };
  }
}
