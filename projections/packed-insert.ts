import type { Db, Statement } from './database.js';
import { ProjectionError } from './errors.js';
import { PACKED_ROWS_MAX, PLACE, PLACE_BYTES, type PackedRows } from './pack-rows.js';

/**
 * Rows of `files` straight from packed bytes: SQLite cuts the cells out by itself, so that no cell ever becomes a
 * JavaScript value. A table-valued function with the finished cells takes twice the time.
 */
export class PackedInsert {
  readonly #kinds: Statement<[string]>;
  readonly #noKinds: Statement<[]>;
  readonly #insert: Statement<[Parameters]>;

  /** Makes two tables of its own in the connection's memory. */
  constructor(database: Db) {
    database.pragma('temp_store = MEMORY');
    database.exec('CREATE TEMP TABLE row_numbers (n INTEGER PRIMARY KEY)');
    database.exec('CREATE TEMP TABLE kinds (kind INTEGER PRIMARY KEY, extension TEXT, type TEXT)');
    database
      .prepare<[number]>(
        'INSERT INTO temp.row_numbers WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < ?) SELECT n FROM r',
      )
      .run(PACKED_ROWS_MAX - 1);
    this.#noKinds = database.prepare('DELETE FROM temp.kinds');
    this.#kinds = database.prepare(
      'INSERT INTO temp.kinds SELECT key, value ->> 0, value ->> 1 FROM json_each(?)',
    );
    this.#insert = database.prepare(INSERT);
  }

  /** @param rows in the order in which a later one replaces an earlier one of the same path */
  files({ texts, places, count, kinds }: PackedRows, mount: string | null, at: number): void {
    this.#noKinds.run();
    this.#kinds.run(kinds);
    const { changes } = this.#insert.run({ texts, places, count, mount, at });
    // Nothing that a damaged journal holds can lead here: packing and cutting would not fit together.
    if (changes !== count) throw new ProjectionError('io', `${changes} of ${count} rows went in`);
  }
}

interface Parameters {
  texts: Uint8Array;
  places: Uint8Array;
  count: number;
  mount: string | null;
  at: number;
}

/** One integer of a row's line, from one place in it to another. */
const integer = (from: number, to: number): string =>
  `CAST(substr(@places, n * ${PLACE_BYTES} + ${from + 1}, ${to - from}) AS INTEGER)`;

/** A subquery with a LIMIT is not merged into the query around it: each integer is cut out once. */
const PLACES = `
  SELECT ${integer(PLACE.textAt, PLACE.size)} AS a, ${integer(PLACE.size, PLACE.mtimeNs)} AS b,
         ${integer(PLACE.mtimeNs, PLACE_BYTES)} AS mtime_ns
  FROM temp.row_numbers WHERE n < @count LIMIT -1`;

const TEXT_AT = 'a / 10000000000';
const PATH_BYTES = 'a / 100000 % 100000';
const KIND = 'a % 100000';
const SIZE = 'b / 1000';
const CHECKSUM_BYTES = 'b % 1000';

const INSERT = `
  INSERT OR REPLACE INTO files (path, size, mtime, checksum, mount_point, file_type, extension, scan_time)
  SELECT
    CAST(substr(@texts, ${TEXT_AT}, ${PATH_BYTES}) AS TEXT),
    ${SIZE},
    mtime_ns / 1e9,
    CASE ${CHECKSUM_BYTES} WHEN 0 THEN NULL ELSE
      CAST(substr(@texts, ${TEXT_AT} + ${PATH_BYTES}, ${CHECKSUM_BYTES}) AS TEXT) END,
    @mount,
    k.type,
    k.extension,
    @at
  FROM (${PLACES}) CROSS JOIN temp.kinds AS k ON k.kind = ${KIND}`;
