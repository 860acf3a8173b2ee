import { ROW, ROW_WORDS, type IndexedBatch } from '../journal/indexed-batch.js';
import type { Db, Statement } from './database.js';
import { FILE_TYPES, fileTypeAt } from './file-types.js';

/**
 * Rows of `files` straight from the bytes of a record. SQLite gets the payload once, and for each row where its cells
 * stand in it; it cuts them out by itself, so that no cell ever becomes a JavaScript value. A table-valued function
 * with the finished cells takes twice the time.
 *
 * The places of a row are one line of a text of fixed width, read with `substr`:
 *   digits  7        3          2          3               1     7             4               2           3
 *           name at  its bytes  of size    of extension    type  directory at  its path bytes  of time     of checksum
 * The first 16 digits and the last 16 are one integer each. Where something stands is counted from 1, as SQL does.
 */
const PLACE_DIGITS = 32;

/** How many rows the first statement can take; grows when a record has more. */
const ROWS_AT_FIRST = 4096;
const DIGIT_0 = 0x30;

interface Parameters {
  payload: Buffer;
  places: Buffer;
  count: number;
  mount: string | null;
  at: number;
}

const FILE_TYPE = FILE_TYPES.map((type, code) => `WHEN ${code} THEN '${type}'`).join(' ');

/** A subquery with a LIMIT below a WHERE is not merged into the query around it: each number is worked out once. */
const PLACES = `
  SELECT CAST(substr(@places, n * ${PLACE_DIGITS} + 1, 16) AS INTEGER) AS a,
         CAST(substr(@places, n * ${PLACE_DIGITS} + 17, 16) AS INTEGER) AS b
  FROM temp.row_numbers WHERE n < @count LIMIT -1`;

const CELLS = `
  SELECT a / 1000000000 AS name_at, a / 1000000 % 1000 AS name_bytes, a / 10000 % 100 AS size_bytes,
         a / 10 % 1000 AS extension_bytes, a % 10 AS type, b / 1000000000 AS path_at, b / 100000 % 10000 AS path_bytes,
         b / 1000 % 100 AS time_bytes, b % 1000 AS checksum_bytes
  FROM (${PLACES}) WHERE a > 0 LIMIT -1`;

/** Two bytes lie between name and size and between size and time, three between time and checksum. */
const INSERT = `
  INSERT OR REPLACE INTO files (path, size, mtime, checksum, mount_point, file_type, extension, scan_time)
  SELECT
    substr(@payload, path_at, path_bytes) || '/' || substr(@payload, name_at, name_bytes),
    CAST(substr(@payload, name_at + name_bytes + 2, size_bytes) AS INTEGER),
    CAST(substr(@payload, name_at + name_bytes + size_bytes + 4, time_bytes) AS INTEGER) / 1e9,
    CASE checksum_bytes WHEN 0 THEN NULL ELSE
      CAST(substr(@payload, name_at + name_bytes + size_bytes + time_bytes + 7, checksum_bytes) AS TEXT) END,
    @mount,
    CASE type ${FILE_TYPE} END,
    CASE extension_bytes WHEN 0 THEN '' ELSE
      lower(CAST(substr(@payload, name_at + name_bytes - extension_bytes, extension_bytes) AS TEXT)) END,
    @at
  FROM (${CELLS}) WHERE name_at > 0`;

export class PackedInsert {
  readonly #database: Db;
  readonly #insert: Statement<[Parameters]>;
  #places = Buffer.alloc(0);
  #rowsMax = 0;

  /** Makes a table of its own in the connection's memory. */
  constructor(database: Db) {
    this.#database = database;
    database.pragma('temp_store = MEMORY');
    database.exec('CREATE TEMP TABLE row_numbers (n INTEGER PRIMARY KEY)');
    this.#grow(ROWS_AT_FIRST);
    this.#insert = database.prepare(INSERT);
  }

  /** Inserts all plain rows of a payload, in their order. */
  files(batch: IndexedBatch, mount: string | null, at: number): void {
    const { count } = batch.plain;
    if (count === 0) return;
    if (count > this.#rowsMax) this.#grow(Math.max(count, this.#rowsMax * 2));
    this.#write(batch);
    this.#insert.run({
      payload: batch.bytes,
      places: this.#places.subarray(0, count * PLACE_DIGITS),
      count,
      mount,
      at,
    });
  }

  #grow(rowsMax: number): void {
    this.#database
      .prepare<[number, number]>(
        'INSERT INTO temp.row_numbers WITH RECURSIVE r(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM r WHERE n < ?) SELECT n FROM r',
      )
      .run(this.#rowsMax, rowsMax - 1);
    this.#rowsMax = rowsMax;
    this.#places = Buffer.alloc(rowsMax * PLACE_DIGITS);
  }

  #write({ bytes, plain: { words }, ranges }: IndexedBatch): void {
    const places = this.#places;
    let to = 0;
    for (const range of ranges) {
      for (let row = range.from; row < range.to; row += 1) {
        const at = row * ROW_WORDS;
        const nameAt = words[at + ROW.nameAt] ?? 0;
        const nameBytes = words[at + ROW.nameBytes] ?? 0;
        const extensionBytes = words[at + ROW.extensionBytes] ?? 0;
        digits(places, to, 7, nameAt + 1);
        digits(places, to + 7, 3, nameBytes);
        digits(places, to + 10, 2, words[at + ROW.sizeBytes] ?? 0);
        digits(places, to + 12, 3, extensionBytes);
        digits(places, to + 15, 1, fileTypeAt(bytes, nameAt + nameBytes - extensionBytes, extensionBytes));
        digits(places, to + 16, 7, range.pathAt + 1);
        digits(places, to + 23, 4, range.pathBytes);
        digits(places, to + 27, 2, words[at + ROW.mtimeBytes] ?? 0);
        digits(places, to + 29, 3, words[at + ROW.checksumBytes] ?? 0);
        to += PLACE_DIGITS;
      }
    }
  }
}

/** Writes a number below 10^width with leading zeros. */
function digits(buffer: Buffer, at: number, width: number, value: number): void {
  for (let i = at + width - 1; i >= at; i -= 1) {
    const rest = (value / 10) | 0;
    buffer[i] = DIGIT_0 + value - rest * 10;
    value = rest;
  }
}
