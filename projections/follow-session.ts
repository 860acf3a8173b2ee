import { statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEvent } from '../journal/decode-event.js';
import { WriterTail, type ReadRecord } from '../journal/reader.js';
import { journalDirOf, COORDINATOR, listWriters, type SegmentPosition } from '../journal/segments.js';
import { Catalog } from './catalog.js';
import { catchUp, checkFollowed, inTransaction, rollBack, type Watcher } from './catch-up.js';
import { databaseError, type Db } from './database.js';
import { ProjectionError } from './errors.js';
import { keepFormer, keepUnreadable, keptText } from './keep-aside.js';
import { openForFollowing, type OpenCatalog } from './open-catalog.js';
import { bytesBehind, bytesBetween } from './journal-left.js';
import { replay } from './runner.js';

export interface FollowTarget {
  dataDir: string;
  databaseName: string;
  scan: string;
}

/** How long a statement waits for a lock before the whole attempt is made again. */
const BUSY_TIMEOUT_MS = 500;
export interface FollowWatcher extends Watcher {
  /** Told before the catalog is built anew, with the reason. */
  onRebuild(reason: string): void;
}

/** Files and directories after which a round commits, so that readers see the catalog grow and a log stays small. */
const COMMIT_ROWS = 20_000;
/** What only a rebuild mends. */
const REBUILD_CODES = new Set(['catalog-stale', 'catalog-damaged']);

/** One open catalog, following one scan from its checkpoints. Thrown away after any error: the next one goes on. */
export class FollowSession {
  readonly #target: FollowTarget;
  readonly #watcher: FollowWatcher;
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

  private constructor(
    target: FollowTarget,
    watcher: FollowWatcher,
    { opened, catalog }: { opened: OpenCatalog; catalog: Catalog },
  ) {
    this.#target = target;
    this.#watcher = watcher;
    this.#path = pathOf(target);
    this.#database = opened.database;
    this.#catalog = catalog;
    this.#inode = opened.mode === 'wal' ? statSync(this.#path).ino : null;
    this.#checkpoints = this.#catalog.checkpoints.of(target.scan);
    this.mode = opened.mode;
    this.reason = opened.reason;
  }

  /**
   * Opens the catalog and brings earlier scans up to their end; builds it anew where it is damaged, outdated or not of
   * this journal.
   * @throws ProjectionError `stopped` and others; JournalError `newer-version`
   */
  static async open(target: FollowTarget, watcher: FollowWatcher): Promise<FollowSession> {
    const path = pathOf(target);
    try {
      return await FollowSession.#attach(target, watcher);
    } catch (error) {
      if (!(error instanceof ProjectionError) || !REBUILD_CODES.has(error.code)) throw error;
      const kept = keepUnreadable(path);
      watcher.onRebuild(kept === null ? error.message : `${error.message}; ${keptText(kept)}`);
    }
    keepFormer(path);
    const onProgress = (): void => {
      watcher.onProgress(false, true);
    };
    onProgress();
    await replay({ ...target, exceptScan: target.scan, onProgress, signal: watcher.stop });
    return FollowSession.#attach(target, watcher);
  }

  static async #attach(target: FollowTarget, watcher: FollowWatcher): Promise<FollowSession> {
    const path = pathOf(target);
    const opened = openForFollowing(path, BUSY_TIMEOUT_MS);
    try {
      const catalog = new Catalog(opened.database);
      const { dataDir, scan } = target;
      await catchUp(opened.database, catalog, { dataDir, scan, watcher });
      await checkFollowed(journalDirOf(dataDir), scan, catalog.checkpoints.of(scan));
      return new FollowSession(target, watcher, { opened, catalog });
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
   * Applies what is new, the coordinator's records first, so that a worker is known before its records come. Once it is
   * told to stop, what is applied is committed, and the rest is left.
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
    this.#watcher.onProgress(false, true);
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
    while (!this.#watcher.stop.aborted) {
      const from = tail.position;
      const batch = await tail.poll(trust);
      if (batch.length === 0) return;
      this.#apply(batch);
      this.#left = this.#left === null ? null : this.#left - bytesBetween(from, tail.position);
    }
  }

  #apply(batch: readonly ReadRecord[]): void {
    if (!this.#database.inTransaction) this.#database.exec('BEGIN IMMEDIATE');
    const before = this.#catalog.applied;
    for (const each of batch) {
      this.#catalog.apply(each);
      if (each.record.type !== 'writer.settled') continue;
      const event = decodeEvent(each.record);
      if (event?.type === 'writer.settled') this.settle(event.data.writer, event.data);
    }
    const { rows, directories } = this.#catalog.applied;
    this.#rowsWaiting += rows - before.rows + (directories - before.directories);
    if (this.#rowsWaiting >= COMMIT_ROWS) this.#commit();
    else this.#watcher.onProgress(false);
  }

  #rowsWaiting = 0;

  #commit(): void {
    if (!this.#database.inTransaction) return;
    this.#catalog.flush();
    this.#database.exec('COMMIT');
    this.#rowsWaiting = 0;
    this.#watcher.onProgress(true);
  }

  /** Looks how far behind the journal it is; from then on `bytesLeft` goes along. */
  async measure(): Promise<void> {
    const { dataDir, scan } = this.#target;
    const positionOf = (writer: string): SegmentPosition | null =>
      this.#tails.get(writer)?.position ?? this.#checkpoints.get(writer) ?? null;
    this.#left = await bytesBehind(journalDirOf(dataDir), scan, positionOf);
  }

  /** Bytes of the scan's journal that are not applied, about; null where nobody has looked. */
  get bytesLeft(): number | null {
    return this.#left === null ? null : Math.max(0, this.#left);
  }

  #left: number | null = null;
}

function pathOf({ dataDir, databaseName }: FollowTarget): string {
  return join(dataDir, databaseName);
}
