import { join } from 'node:path';
import type { JournalEvent } from '../journal/events/index.js';
import { ownPath } from '../journal/owner.js';
import { diskUseOf } from '../projections/disk-use.js';
import { ProjectionError } from '../projections/errors.js';
import { startFollower, type CatalogFollower } from '../projections/follower.js';
import { LOCK_FILE } from '../projections/lock-file.js';
import type { RecordObserver } from '../src/scan/observer.js';
import type { DataPaths } from './data-dir.js';
import type { OpenedScan } from './scan-setup.js';
import { jsonSafe } from './table.js';

/** How long the end of a scan waits for the catalog. */
const DRAIN_TIMEOUT_MS = 10_000;
/** And how long for its very last record, when it has all the others. */
const SEAL_TIMEOUT_MS = 5_000;

/** Keeps the catalog up with the journal while the scan runs. Whatever becomes of it, the scan goes on. */
export class CatalogKeeper implements RecordObserver {
  readonly #paths: DataPaths;
  readonly #opened: OpenedScan;
  readonly #blocked: string | null;
  #follower: CatalogFollower | null = null;
  #upToDate = false;
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
    });
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
   * @param waitsForRoom false: a scan that is told to stop does not take long over a full disk
   */
  async finish(waitsForRoom: boolean): Promise<string | null> {
    const drained = await this.#follower?.drain({ timeoutMs: DRAIN_TIMEOUT_MS, waitsForRoom });
    await this.#journaled;
    this.#upToDate = drained?.upToDate === true;
    const detail = drained?.upToDate === false ? drained.detail : this.#blocked;
    if (detail !== null)
      await this.#opened.journal.append('catalog.troubled', { code: 'catalog.behind', detail });
    return detail;
  }

  /** Takes in the seal too, which the journal got after `finish`. What went wrong before is told already. */
  async close(): Promise<void> {
    if (this.#upToDate) await this.#follower?.drain({ timeoutMs: SEAL_TIMEOUT_MS, waitsForRoom: false });
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
