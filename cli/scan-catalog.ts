import { join } from 'node:path';
import type { JournalEvent } from '../journal/events/index.js';
import { ownPath } from '../journal/owner.js';
import { diskUseOf } from '../projections/disk-use.js';
import { ProjectionError } from '../projections/errors.js';
import { catalogAwaited } from '../projections/log-lines/scan.js';
import { startFollower, type CatalogFollower } from '../projections/follower.js';
import { LOCK_FILE } from '../projections/lock-file.js';
import type { RecordObserver } from '../src/scan/observer.js';
import type { DataPaths } from './data-dir.js';
import type { OpenedScan } from './scan-setup.js';
import { jsonSafe } from './table.js';

/** How long the end of a scan waits for the catalog without its progress; of one that is told to stop, in all. */
const DRAIN_TIMEOUT_MS = 10_000;
/** A wait of less is not worth a word. */
const AWAITED_MS = 3_000;
/** And how long for its very last record, when it has all the others. */
const SEAL_TIMEOUT_MS = 5_000;

interface CatalogWait {
  isLong: boolean;
  told: boolean;
  /** Bytes, where that is known; undefined: no progress was heard of. */
  left: number | null | undefined;
}

/** Keeps the catalog up with the journal while the scan runs. Whatever becomes of it, the scan goes on. */
export class CatalogKeeper implements RecordObserver {
  readonly #paths: DataPaths;
  readonly #opened: OpenedScan;
  readonly #blocked: string | null;
  #follower: CatalogFollower | null = null;
  #upToDate = false;
  #wait: CatalogWait | null = null;
  /** Events about the catalog itself on their way into the journal. */
  #journaled: Promise<void> = Promise.resolve();

  /** @param blocked why nothing may be written at the catalog's place, which then stays as it is; null where all is well */
  constructor(paths: DataPaths, opened: OpenedScan, blocked: string | null) {
    this.#paths = paths;
    this.#opened = opened;
    this.#blocked = blocked;
  }

  start(): void {
    if (this.#blocked !== null) return;
    const { dataDir, databaseName } = this.#paths;
    const { journal, scan } = this.#opened;
    this.#follower = startFollower({
      dataDir,
      databaseName,
      scan,
      onOpened: (mode, reason) => {
        this.#record(() => this.#own());
        this.#record(() => journal.append('catalog.opened', { mode, reason }));
      },
      onTrouble: (code, detail) => {
        this.#record(() => journal.append('catalog.troubled', { code, detail }));
      },
      onRecovered: () => {
        this.#record(() => journal.append('catalog.recovered', {}));
      },
      onProgress: (bytesLeft) => {
        this.#progressed(bytesLeft);
      },
    });
  }

  /** Says once that the scan's end waits for the catalog, where that takes long and goes on. */
  #progressed(bytesLeft: number | null): void {
    if (this.#wait === null) return;
    this.#wait.left = bytesLeft;
    this.#tellWait();
  }

  #tellWait(): void {
    const wait = this.#wait;
    if (wait?.left === undefined || wait.told || !wait.isLong) return;
    wait.told = true;
    const bytesLeft = wait.left;
    this.#record(() => this.#opened.journal.append('catalog.awaited', { bytesLeft }));
  }

  /** What the scan's end waits for, in words; null where it does not, or not for long. */
  get awaited(): string | null {
    return this.#wait?.left === undefined || !this.#wait.told ? null : catalogAwaited(this.#wait.left);
  }

  /** The catalog and what SQLite keeps beside it, where they were made before an owner was asked for; the lock too. */
  async #own(): Promise<void> {
    const { catalog, dataDir } = this.#paths;
    for (const path of [catalog, `${catalog}-wal`, `${catalog}-shm`, join(dataDir, LOCK_FILE)])
      await ownPath(path, this.#opened.owner);
  }

  #record(append: () => Promise<void>): void {
    this.#journaled = this.#journaled.then(append);
    // Its error is seen by whoever awaits `finish`; until then it must not count as unhandled.
    this.#journaled.catch(() => undefined);
  }

  recorded(event: JournalEvent): void {
    if (event.type === 'writer.settled') this.#follower?.settle(event.data.writer, event.data);
    this.#follower?.advance();
  }

  /**
   * Catches up with the journal. Resolves with why the catalog is behind, null when it is not.
   * @param patient as long as the catalog makes progress; false: a scan that is told to stop ends within seconds
   * @param stop its abort ends the wait at once
   */
  async finish(patient: boolean, stop?: AbortSignal): Promise<string | null> {
    if (patient) this.#wait = { isLong: false, told: false, left: undefined };
    // What goes on may be one long step, of which nothing more is heard.
    const timer = setTimeout(() => {
      if (this.#wait !== null) this.#wait.isLong = true;
      this.#tellWait();
    }, AWAITED_MS);
    const drained = await this.#follower?.drain({ timeoutMs: DRAIN_TIMEOUT_MS, patient }, stop);
    clearTimeout(timer);
    this.#wait = null;
    await this.#journaled;
    this.#upToDate = drained?.upToDate === true;
    const detail = drained?.upToDate === false ? drained.detail : this.#blocked;
    if (detail !== null)
      await this.#opened.journal.append('catalog.troubled', { code: 'catalog.behind', detail });
    return detail;
  }

  /** Takes in the seal too, which the journal got after `finish`. What went wrong before is told already. */
  async close(): Promise<void> {
    if (this.#upToDate) await this.#follower?.drain({ timeoutMs: SEAL_TIMEOUT_MS, patient: false });
    await this.#follower?.close();
  }

  /** The scan's bytes with each file counted once and without holes, once it is closed; null where that is not known. */
  bytesOnDisk(bytes: number | string): number | string | null {
    if (!this.#upToDate) return null;
    try {
      const use = diskUseOf(this.#paths.catalog, this.#opened.scan, BigInt(bytes));
      return use === null ? null : jsonSafe(use.bytesOnDisk);
    } catch (error) {
      // Whatever became of the catalog since: the scan's outcome stands, and so do its own numbers.
      if (error instanceof ProjectionError) return null;
      throw error;
    }
  }
}
