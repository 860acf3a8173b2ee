import type { ListedDirectory } from '../journal/events/index.js';
import { cappedInteger } from './cells.js';
import type { Db, Statement } from './database.js';
import type { DirectoryKey } from './path-column.js';

/** A row of `directories`: its newest entry, and its newest complete listing. */
export interface DirectoryState {
  /** The attempt of the newest entry, and how many of its parts are there without a gap; 0: there is a hole. */
  scan: string;
  chunk: number;
  attempt: number;
  part: number;
  /** Whether the directory was known before this attempt, so that files may have to leave. */
  tracked: boolean;
  partFiles: number;
  partBytes: bigint;
  /** The newest scan that met it, readable or not. */
  seenScan: string | null;
  listedScan: string | null;
  listedAt: number | null;
  files: number;
  bytes: bigint;
  entries: number | null;
  subdirectories: number | null;
  others: number | null;
  excluded: number | null;
}

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
  readonly #insertNew: Statement;
  readonly #scanned: Statement<[string, string | null, number]>;

  constructor(database: Db) {
    this.#get = database
      .prepare<[string], Row>(`SELECT ${COLUMNS} FROM directories WHERE path = ?`)
      .raw()
      .safeIntegers();
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO directories (path, path_raw, mount_point, ${COLUMNS}) VALUES (${'?, '.repeat(18)}?)`,
    );
    this.#insertNew = database.prepare(
      `INSERT INTO directories (path, path_raw, mount_point, ${COLUMNS})
       SELECT path, raw, mount, scan, chunk, attempt, 1, 0, files, bytes, scan, scan, at, files, bytes, ?, ?, ?, ?
       FROM (SELECT ? AS path, ? AS raw, ? AS mount, ? AS scan, ? AS chunk, ? AS attempt, ? AS at, ? AS files, ? AS bytes)
       WHERE true ON CONFLICT DO NOTHING`,
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

  /**
   * Takes in a directory that is complete in one entry and was never met before: nearly every one, in a first scan.
   * @returns false, and nothing is changed, when it is known
   */
  insertNew(
    key: DirectoryKey,
    listing: ListedDirectory,
    { files, bytes }: { files: number; bytes: number | bigint },
    source: ListingSource,
  ): boolean {
    const { entries = null, subdirectories = null, others = null, excluded = null } = listing;
    const { mountName, scan, chunk, attempt, atSeconds } = source;
    const { changes } = this.#insertNew.run(
      entries,
      subdirectories,
      others,
      excluded,
      key.text,
      key.raw,
      mountName,
      scan,
      chunk,
      attempt,
      atSeconds,
      files,
      cappedInteger(bytes),
    );
    if (changes === 0) return false;
    this.markScanned(key, mountName, atSeconds);
    return true;
  }

  markScanned(key: DirectoryKey, mountName: string | null, atSeconds: number): void {
    this.#scanned.run(key.text, mountName, atSeconds);
  }
}
