import { existsSync } from 'node:fs';
import { CheckpointTable } from './checkpoint.js';
import type { Db } from './database.js';
import type { CatalogView } from './diagnosis/live.js';
import { ProjectionError } from './errors.js';
import { openForReading } from './open-catalog.js';
import { catalogKind } from './schema.js';

/** Half a millisecond: times of records are whole ones, and seconds as floats are not exact. */
const TIME_SLACK_S = 0.0005;

export interface CatalogQuestion {
  scan: string;
  /** Of each writer the last record that the catalog has to hold. */
  last: ReadonlyMap<string, { epoch: number; seq: number; crc: string }>;
  /** What this scan must have left in `files`, when it was the last to write there; null: not known. */
  rows: { files: number; fromMs: number; toMs: number } | null;
}

/** Whether the catalog holds what the journal says of a scan. Reads only, waits for nobody long, never throws. */
export function viewCatalog(catalog: string, question: CatalogQuestion): CatalogView {
  if (!existsSync(catalog)) return { state: 'missing', detail: 'is not there' };
  let database: Db | undefined;
  try {
    database = openForReading(catalog);
    const kind = catalogKind(database, catalog);
    if (kind !== 'ours') return { state: 'behind', detail: `is not this journal's yet (${kind})` };
    return compare(database, question);
  } catch (error) {
    return viewOfError(error);
  } finally {
    database?.close();
  }
}

function compare(database: Db, { scan, last, rows }: CatalogQuestion): CatalogView {
  const checkpoints = new CheckpointTable(database).of(scan);
  let behind = 0;
  for (const [writer, record] of last) {
    const held = checkpoints.get(writer);
    const ahead = held === undefined ? -1 : held.epoch - record.epoch || held.seq - record.seq;
    if (ahead < 0) behind += 1;
    else if (ahead === 0 && held?.crc !== record.crc) {
      return { state: 'mismatch', detail: `holds a record of ${writer} that the journal does not have` };
    }
  }
  if (behind > 0) return { state: 'behind', detail: `lacks records of ${behind} of ${last.size} writers` };
  if (rows === null) return { state: 'agrees', detail: 'holds all that the journal holds' };
  const files = database
    .prepare<[number, number], number>('SELECT count(*) FROM files WHERE scan_time BETWEEN ? AND ?')
    .pluck()
    .get(rows.fromMs / 1000 - TIME_SLACK_S, rows.toMs / 1000 + TIME_SLACK_S);
  if (files === rows.files) return { state: 'agrees', detail: 'holds all that the journal holds' };
  return { state: 'mismatch', detail: `has ${files ?? 0} files of this scan, the journal has ${rows.files}` };
}

function viewOfError(error: unknown): CatalogView {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ProjectionError && error.code === 'catalog-locked')
    return { state: 'locked', detail: 'is locked by another program' };
  if (/SQLITE_BUSY|SQLITE_LOCKED|database is locked/.test(message))
    return { state: 'locked', detail: 'is locked by another program' };
  const damaged = /malformed|not a database|SQLITE_CORRUPT|SQLITE_NOTADB|no such (?:table|column)/.test(
    message,
  );
  return damaged
    ? { state: 'mismatch', detail: `is damaged: ${message}` }
    : { state: 'unreadable', detail: `cannot be read: ${message}` };
}
