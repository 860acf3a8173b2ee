import type { ListedDirectory, PathText } from '../journal/events/index.js';
import { exactInteger } from './cells.js';
import type { Db, Statement } from './database.js';
import { childPath, type DirectoryKey } from './path-column.js';

/** Tables with a row for some files only, which comes and goes with that of `files`. */
export const FACT_TABLES = ['hard_links', 'sparse_files'] as const;

/** What is told of few files: hard links and holes. A directory without any costs nothing but a look at its entry. */
export class FactTables {
  readonly #insertLink: Statement;
  readonly #insertSparse: Statement;
  readonly #any: Statement<[string, string], number>;
  readonly #delete: Statement<[string, string]>[];

  constructor(database: Db) {
    this.#insertLink = database.prepare('INSERT OR REPLACE INTO hard_links VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#insertSparse = database.prepare('INSERT OR REPLACE INTO sparse_files VALUES (?, ?, ?, ?)');
    this.#any = database
      .prepare<[string, string], number>(
        'SELECT EXISTS (SELECT 1 FROM hard_links WHERE directory = ?) OR EXISTS (SELECT 1 FROM sparse_files WHERE directory = ?)',
      )
      .pluck();
    this.#delete = FACT_TABLES.map((table) =>
      database.prepare<[string, string]>(`DELETE FROM ${table} WHERE directory = ? AND path = ?`),
    );
  }

  /** Takes in an entry's facts. @param nameAt where the name stands in its rows */
  add(key: DirectoryKey, entry: ListedDirectory, nameAt: number, scan: string): void {
    const { links, allocated, inodesUnstable } = entry;
    if (links === undefined && allocated === undefined) return;
    const { rows } = entry;
    const pathOf = (row: number): string | null => {
      const name = rows[row]?.[nameAt] as PathText | undefined;
      return name === undefined ? null : childPath(key, name).text;
    };
    const stable = Number(inodesUnstable !== true);
    for (const [row, device, inode, count] of links ?? []) {
      const path = pathOf(row);
      if (path === null) continue; // of a row that is not there: nothing to tell it of
      this.#insertLink.run(key.text, path, scan, String(device), String(inode), exactInteger(count), stable);
    }
    for (const [row, bytes] of allocated ?? []) {
      const path = pathOf(row);
      if (path !== null) this.#insertSparse.run(key.text, path, scan, exactInteger(bytes));
    }
  }

  /** What was known of these files of a directory counts no more. */
  forget(key: DirectoryKey, paths: () => Iterable<string>): void {
    if (this.#any.get(key.text, key.text) !== 1) return;
    for (const path of paths()) for (const statement of this.#delete) statement.run(key.text, path);
  }
}
