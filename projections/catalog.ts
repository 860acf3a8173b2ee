import { decodeEvent } from '../journal/decode-event.js';
import type { EventData, JournalEvent } from '../journal/events/index.js';
import { countsOf } from '../journal/indexed-batch.js';
import type { ReadRecord } from '../journal/reader.js';
import type { SegmentPosition } from '../journal/segments.js';
import { FactTables } from './catalog-facts.js';
import { FilesTables, type ScanContext } from './catalog-files.js';
import { ImportTables } from './catalog-import.js';
import { ScanTables } from './catalog-scan.js';
import { cappedInteger, unixSeconds } from './cells.js';
import { CheckpointTable } from './checkpoint.js';
import type { Db } from './database.js';
import { directoryKey, rangesBelow, type DirectoryKey } from './path-column.js';
import { Removal } from './removal.js';

interface ScanRow {
  scan: string;
  mount_path: string | null;
  mount_path_raw: Buffer | null;
  mount_name: string | null;
  outcome: string | null;
}

/**
 * The catalog as a fold over the journal. The same records, in an order in which every writer's own are ascending and
 * a scan's coordinator tells of a worker before its records come, give the same rows: replay and follow use it alike.
 * The caller owns the transaction: `flush` belongs into it before every commit.
 */
export class Catalog {
  readonly #database: Db;
  readonly #scans: ScanTables;
  readonly #files: FilesTables;
  readonly #imports: ImportTables;
  readonly #removal: Removal;
  readonly #checkpoints: CheckpointTable;
  readonly #contexts = new Map<string, ScanContext>();
  /** Behind the last record applied of each writer, since the last flush. */
  readonly #positions = new Map<string, { scan: string; writer: string; position: SegmentPosition }>();
  #records = 0;
  #rows = 0;
  #directories = 0;

  constructor(database: Db) {
    this.#database = database;
    const facts = new FactTables(database);
    this.#removal = new Removal(database, facts);
    this.#scans = new ScanTables(database);
    this.#files = new FilesTables(database, this.#removal, facts);
    this.#imports = new ImportTables(database);
    this.#checkpoints = new CheckpointTable(database);
  }

  /** Records, file rows and listings of directories applied by this object. */
  get applied(): { records: number; rows: number; directories: number } {
    return { records: this.#records, rows: this.#rows, directories: this.#directories };
  }

  get checkpoints(): CheckpointTable {
    return this.#checkpoints;
  }

  /**
   * @param event of the record, where it was decoded already
   * @throws JournalError `newer-version`; ProjectionError and SQLite's own errors
   */
  apply({ record, segment, end }: ReadRecord, event: JournalEvent | null = decodeEvent(record)): void {
    this.#records += 1;
    if (event !== null) {
      if (event.type === 'files.batch') this.#batch(event.data, record.scan, record.at);
      else {
        // A scan that begins closes the unfinished ones it overlaps: they can never go on.
        if (event.type === 'scan.started') this.#begin(event.data, record.scan);
        this.#scans.apply(event, record);
      }
    }
    const { scan, writer, epoch, seq, crc } = record;
    const position = { epoch, segment, seq, crc, bytes: end };
    this.#positions.set(`${scan}/${writer}`, { scan, writer, position });
  }

  #batch(batch: EventData<'files.batch'>, scan: string, at: string): void {
    const { directoryCount, rowCount } = countsOf(batch);
    this.#rows += rowCount;
    this.#directories += directoryCount;
    if (batch.chunk === 0) this.#imports.apply(batch, scan);
    else this.#files.apply(batch, this.#context(scan), unixSeconds(at));
  }

  #begin(data: EventData<'scan.started'>, scan: string): void {
    this.#contexts.delete(scan);
    const mount = directoryKey(data.mountPath);
    const rows = this.#database
      .prepare<[string], ScanRow>('SELECT * FROM scans WHERE scan < ? AND cleared = 0 ORDER BY scan')
      .all(scan);
    for (const row of rows) {
      const other = mountOf(row);
      if (other !== null && overlaps(other, mount)) this.#clear(row, other);
    }
  }

  #context(scan: string): ScanContext {
    const kept = this.#contexts.get(scan);
    if (kept !== undefined) return kept;
    const row = this.#database.prepare<[string], ScanRow>('SELECT * FROM scans WHERE scan = ?').get(scan);
    const context: ScanContext = {
      scan,
      mountName: row?.mount_name ?? null,
      mount: row === undefined ? null : mountOf(row),
      files: 0,
      directories: 0,
      bytes: 0n,
      isElsewhere: () => this.#isElsewhere(scan),
    };
    this.#contexts.set(scan, context);
    return context;
  }

  /** Whether a scan saw another file system at its mount's path than the last one that found files there. */
  #isElsewhere(scan: string): boolean {
    return (
      this.#database
        .prepare<[string], number>(
          `SELECT s.mount_device <> (SELECT e.mount_device FROM scans AS e WHERE e.scan < s.scan AND e.files > 0
             AND e.mount_path = s.mount_path ORDER BY e.scan DESC LIMIT 1) FROM scans AS s WHERE s.scan = ?`,
        )
        .pluck()
        .get(scan) === 1
    );
  }

  /**
   * All records of a scan are applied for now. What it proved gone leaves once it has ended for good; a scan that may
   * still be resumed keeps everything, so that the order in which records arrive never matters.
   */
  settle(scan: string): void {
    this.flush();
    const row = this.#database.prepare<[string], ScanRow>('SELECT * FROM scans WHERE scan = ?').get(scan);
    const mount = row === undefined ? null : mountOf(row);
    if (row === undefined || mount === null) return;
    if (row.outcome === 'complete' || row.outcome === 'complete-with-problems') this.#clear(row, mount);
  }

  #clear({ scan, mount_name }: ScanRow, mount: DirectoryKey): void {
    this.#removal.goneDirectories({ scan, mount, mountName: mount_name });
    this.#database.prepare('UPDATE scans SET cleared = 1 WHERE scan = ?').run(scan);
  }

  /** Writes sums and checkpoints: rows and the place they came from commit together. */
  flush(): void {
    for (const context of this.#contexts.values()) {
      this.#database
        .prepare(
          `INSERT INTO scans (scan, files, directories, bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
             files = files + excluded.files, directories = directories + excluded.directories,
             bytes = min(9223372036854775807, bytes + excluded.bytes)`,
        )
        .run(context.scan, context.files, context.directories, cappedInteger(context.bytes));
      Object.assign(context, { files: 0, directories: 0, bytes: 0n });
    }
    for (const scan of new Set([...this.#positions.values()].map((each) => each.scan))) this.#stats(scan);
    for (const { scan, writer, position } of this.#positions.values()) {
      this.#checkpoints.put(scan, writer, position);
    }
    this.#positions.clear();
  }

  /** `scan_stats` shows the newest scan of each mount, as the former system did. */
  #stats(scan: string): void {
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO scan_stats SELECT mount_name, files, bytes, started_at, ended_at FROM scans AS s
         WHERE scan = ? AND mount_name <> '' AND NOT EXISTS
           (SELECT 1 FROM scans AS later WHERE later.mount_name = s.mount_name AND later.scan > s.scan)`,
      )
      .run(scan);
  }

  /** Forgets what is not committed, after a rollback. */
  reset(): void {
    this.#contexts.clear();
    this.#positions.clear();
  }
}

function mountOf(row: ScanRow): DirectoryKey | null {
  if (row.mount_path === null) return null;
  const raw = row.mount_path_raw;
  return directoryKey(raw === null ? row.mount_path : { b64: raw.toString('base64') });
}

/** Whether one of two directories is the other, or lies in it. */
function overlaps(a: DirectoryKey, b: DirectoryKey): boolean {
  const within = (inner: DirectoryKey, outer: DirectoryKey): boolean =>
    inner.text === outer.text || rangesBelow(outer).some((range) => inner.text.startsWith(range.after));
  return within(a, b) || within(b, a);
}
