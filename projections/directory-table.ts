import { cappedInteger } from './cells.js';
import type { Db, Statement } from './database.js';
import type { DirectoryState } from './directory-state.js';
import type { DirectoryKey } from './path-column.js';

type Row = [
  scan: string,
  chunk: bigint,
  attempt: bigint,
  part: bigint,
  tracked: bigint,
  partFiles: bigint,
  partBytes: bigint,
  seenScan: string | null,
  listedScan: string | null,
  listedAt: number | null,
  files: bigint,
  bytes: bigint,
  entries: bigint | null,
  subdirectories: bigint | null,
  others: bigint | null,
  excluded: bigint | null,
];

const COLUMNS =
  'scan, chunk, attempt, part, tracked, part_files, part_bytes, seen_scan, listed_scan, listed_at, files, bytes, entries, ' +
  'subdirectories, others, excluded';

const whole = (value: bigint | null): number | null => (value === null ? null : Number(value));

/** What tells of the record that it came in. */
export interface ListingSource {
  mountName: string | null;
  scan: string;
  chunk: number;
  attempt: number;
  atSeconds: number;
}

/** The door to `directories` and `scanned_dirs`. */
export class DirectoryTable {
  readonly #get: Statement<[string], Row>;
  readonly #put: Statement;
  readonly #scanned: Statement<[string, string | null, number]>;

  constructor(database: Db) {
    this.#get = database
      .prepare<[string], Row>(`SELECT ${COLUMNS} FROM directories WHERE path = ?`)
      .raw()
      .safeIntegers();
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO directories (path, path_raw, mount_point, ${COLUMNS}) VALUES (${'?, '.repeat(18)}?)`,
    );
    this.#scanned = database.prepare('INSERT OR REPLACE INTO scanned_dirs VALUES (?, ?, ?)');
  }

  get(path: string): DirectoryState | null {
    const row = this.#get.get(path);
    if (row === undefined) return null;
    return {
      scan: row[0],
      chunk: Number(row[1]),
      attempt: Number(row[2]),
      part: Number(row[3]),
      tracked: row[4] === 1n,
      partFiles: Number(row[5]),
      partBytes: row[6],
      seenScan: row[7],
      listedScan: row[8],
      listedAt: row[9],
      files: Number(row[10]),
      bytes: row[11],
      entries: whole(row[12]),
      subdirectories: whole(row[13]),
      others: whole(row[14]),
      excluded: whole(row[15]),
    };
  }

  put(key: DirectoryKey, state: DirectoryState, mountName: string | null): void {
    this.#put.run(
      key.text,
      key.raw,
      mountName,
      state.scan,
      state.chunk,
      state.attempt,
      state.part,
      Number(state.tracked),
      state.partFiles,
      cappedInteger(state.partBytes),
      state.seenScan,
      state.listedScan,
      state.listedAt,
      state.files,
      cappedInteger(state.bytes),
      state.entries,
      state.subdirectories,
      state.others,
      state.excluded,
    );
  }

  markScanned(key: DirectoryKey, mountName: string | null, atSeconds: number): void {
    this.#scanned.run(key.text, mountName, atSeconds);
  }
}
