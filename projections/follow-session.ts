import { statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEvent } from '../journal/decode-event.js';
import { WriterTail, type ReadRecord } from '../journal/reader.js';
import { journalDirOf, COORDINATOR, listWriters, type SegmentPosition } from '../journal/segments.js';
import { Catalog } from './catalog.js';
import { catchUp, checkFollowed, inTransaction, rollBack } from './catch-up.js';
import { databaseError, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { keepFormer, keepUnreadable, keptText } from './keep-aside.js';
import { openForFollowing, type OpenCatalog } from './open-catalog.js';
import { replay } from './runner.js';

export interface FollowTarget {
  dataDir: string;
  databaseName: string;
  scan: string;
}

/** How long a statement waits for a lock before the whole attempt is made again. */
const BUSY_TIMEOUT_MS = 500;
/** Rows after which a round commits, so that readers see the catalog grow and a log stays small. */
const COMMIT_ROWS = 20_000;
/** What only a rebuild mends. */
const REBUILD_CODES = new Set(['catalog-stale', 'catalog-damaged']);

/** One open catalog, following one scan from its checkpoints. Thrown away after any error: the next one goes on. */
export class FollowSession {
  readonly #target: FollowTarget;
  readonly #database: Db;
  readonly #catalog: Catalog;
  readonly #path: string;
  /** Of the file that is open; null where inode numbers mean nothing. */
  readonly #inode: number | null;
  readonly #tails = new Map<string, WriterTail>();
  readonly #bounds = new Map<string, SegmentPosition[]>();
  readonly #checkpoints: Map<string, SegmentPosition>;
  readonly mode: string;
  readonly reason: string;

  private constructor(target: FollowTarget, path: string, opened: OpenCatalog, catalog: Catalog) {
    this.#target = target;
    this.#path = path;
    this.#database = opened.database;
    this.#catalog = catalog;
    this.#inode = opened.mode === 'wal' ? statSync(path).ino : null;
    this.#checkpoints = this.#catalog.checkpoints.of(target.scan);
    this.mode = opened.mode;
    this.reason = opened.reason;
  }

  /**
   * Opens the catalog and brings earlier scans up to their end; builds it anew where it is damaged, outdated or not of
   * this journal.
   * @param onRebuild told before, with the reason
   */
  static async open(target: FollowTarget, onRebuild: (reason: string) => void): Promise<FollowSession> {
    const path = join(target.dataDir, target.databaseName);
    try {
      return await FollowSession.#attach(target, path);
    } catch (error) {
      if (!(error instanceof ProjectionError) || !REBUILD_CODES.has(error.code)) throw error;
      const kept = keepUnreadable(path);
      onRebuild(kept === null ? error.message : `${error.message}; ${keptText(kept)}`);
    }
    keepFormer(path);
    await replay({ ...target, exceptScan: target.scan });
    return FollowSession.#attach(target, path);
  }

  static async #attach(target: FollowTarget, path: string): Promise<FollowSession> {
    const opened = openForFollowing(path, BUSY_TIMEOUT_MS);
    try {
      const catalog = new Catalog(opened.database);
      await catchUp(opened.database, catalog, target);
      const { dataDir, scan } = target;
      await checkFollowed(journalDirOf(dataDir), scan, catalog.checkpoints.of(scan));
      return new FollowSession(target, path, opened, catalog);
    } catch (error) {
      opened.database.close();
      throw databaseError(error, path);
    }
  }

  /** What lies beyond in its epoch never counts. */
  settle(writer: string, position: SegmentPosition): void {
    this.#bounds.set(writer, [...(this.#bounds.get(writer) ?? []), position]);
    this.#tails.get(writer)?.settle(position);
  }

  /**
   * Applies what is new, the coordinator's records first, so that a worker is known before its records come.
   * @returns records applied
   */
  async round(trust: 'durable' | 'valid'): Promise<number> {
    const before = this.#catalog.applied.records;
    try {
      this.#checkFile();
      await this.#drainTail(COORDINATOR, trust);
      // A chunk that was split off begins only when the one it came from has ended: in this order none overtakes.
      for (const writer of await listWriters(journalDirOf(this.#target.dataDir), this.#target.scan)) {
        if (writer !== COORDINATOR) await this.#drainTail(writer, trust);
      }
      this.#commit();
      return this.#catalog.applied.records - before;
    } catch (error) {
      rollBack(this.#database, this.#catalog);
      throw databaseError(error, this.#path);
    }
  }

  /** The scan has no more records for now. */
  finish(): void {
    try {
      inTransaction(this.#database, this.#catalog, () => {
        this.#catalog.settle(this.#target.scan);
      });
    } catch (error) {
      throw databaseError(error, this.#path);
    }
  }

  async close(): Promise<void> {
    for (const tail of this.#tails.values()) await tail.close();
    this.#tails.clear();
    if (this.#database.open) this.#database.close();
  }

  /** A file that was deleted or replaced still takes our rows, and nobody would ever see them. */
  #checkFile(): void {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now !== undefined && (this.#inode === null || now.ino === this.#inode)) return;
    throw new ProjectionError('catalog-missing', `${this.#path} was deleted or replaced`, {
      path: this.#path,
    });
  }

  async #drainTail(writer: string, trust: 'durable' | 'valid'): Promise<void> {
    let tail = this.#tails.get(writer);
    if (tail === undefined) {
      tail = new WriterTail({
        journalDir: journalDirOf(this.#target.dataDir),
        scan: this.#target.scan,
        writer,
        after: this.#checkpoints.get(writer) ?? null,
        hash: false,
      });
      for (const bound of this.#bounds.get(writer) ?? []) tail.settle(bound);
      this.#tails.set(writer, tail);
    }
    for (let batch = await tail.poll(trust); batch.length > 0; batch = await tail.poll(trust))
      this.#apply(batch);
  }

  #apply(batch: readonly ReadRecord[]): void {
    if (!this.#database.inTransaction) this.#database.exec('BEGIN IMMEDIATE');
    const rows = this.#catalog.applied.rows;
    for (const each of batch) {
      this.#catalog.apply(each);
      if (each.record.type !== 'writer.settled') continue;
      const event = decodeEvent(each.record);
      if (event?.type === 'writer.settled') this.settle(event.data.writer, event.data);
    }
    this.#rowsWaiting += this.#catalog.applied.rows - rows;
    if (this.#rowsWaiting >= COMMIT_ROWS) this.#commit();
  }

  #rowsWaiting = 0;

  #commit(): void {
    if (!this.#database.inTransaction) return;
    this.#catalog.flush();
    this.#database.exec('COMMIT');
    this.#rowsWaiting = 0;
  }
}
