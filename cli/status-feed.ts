import { decodeEvent } from '../journal/decode-event.js';
import { ScanReader, WriterTail, type ReadRecord } from '../journal/reader.js';
import { COORDINATOR, workerName } from '../journal/segments.js';
import { VouchedFiles } from '../projections/missing-files.js';
import { StatusFold, type StatusSnapshot } from '../projections/status.js';
import { stateOfUnstarted } from '../projections/unstarted.js';

/** A status, and how many files of the scan's journal are missing or cut short; looked for once it does not run. */
export interface FedStatus extends StatusSnapshot {
  missingFiles: number;
}

/** Keeps a scan's status up with its journal, reading only what is new and what can still change. */
export class StatusFeed {
  readonly #place: { journalDir: string; scan: string };
  #fold = new StatusFold();
  #vouched = new VouchedFiles();
  #missingFiles = 0;
  /** Of a scan that does not run and whose first word is not there; null: there is one. */
  #unstarted: 'killed' | 'incomplete' | null = null;
  readonly #coordinator: WriterTail;
  readonly #workers = new Map<number, WriterTail>();

  constructor(journalDir: string, scan: string) {
    this.#place = { journalDir, scan };
    this.#coordinator = new WriterTail({ ...this.#place, writer: COORDINATOR, hash: false });
  }

  /**
   * Takes in what is new. Nobody acts on what is shown, so every valid record is believed.
   * @param live false: the scan does not run, and what it left is read by the rules of recovery
   */
  async refresh(live: boolean): Promise<void> {
    await this.#drain(this.#coordinator);
    if (!live && !this.#coordinator.sealed) await this.#readAtRest();
    else await this.#followWorkers();
    if (live) return;
    const { journalDir, scan } = this.#place;
    this.#missingFiles = await this.#vouched.missing(journalDir, scan);
    const { state, mountPath } = this.#fold.snapshot(Date.now(), live);
    const isUnstarted = mountPath === null && ['none', 'interrupted', 'killed'].includes(state);
    this.#unstarted = isUnstarted ? await stateOfUnstarted(journalDir, scan) : null;
  }

  async #followWorkers(): Promise<void> {
    for (const chunk of this.#fold.unfinishedChunks) {
      const tail =
        this.#workers.get(chunk) ??
        new WriterTail({ ...this.#place, writer: workerName(chunk), hash: false });
      this.#workers.set(chunk, tail);
      await this.#drain(tail);
    }
    const unfinished = new Set(this.#fold.unfinishedChunks);
    for (const [chunk, tail] of this.#workers) {
      if (unfinished.has(chunk)) continue;
      await tail.close();
      this.#workers.delete(chunk);
    }
  }

  snapshot(live: boolean): FedStatus {
    const status = this.#fold.snapshot(Date.now(), live);
    const state = (live ? null : this.#unstarted) ?? status.state;
    return { ...status, scan: this.#place.scan, state, missingFiles: this.#missingFiles };
  }

  async close(): Promise<void> {
    await this.#coordinator.close();
    for (const tail of this.#workers.values()) await tail.close();
    this.#workers.clear();
  }

  async #drain(tail: WriterTail): Promise<void> {
    for (;;) {
      const records = await tail.poll('valid');
      if (records.length === 0) return;
      this.#take(records);
    }
  }

  async #readAtRest(): Promise<void> {
    this.#fold = new StatusFold();
    this.#vouched = new VouchedFiles();
    const reader = new ScanReader({ ...this.#place, hash: false });
    for await (const records of reader.batches()) this.#take(records);
  }

  #take(records: readonly ReadRecord[]): void {
    for (const { record } of records) {
      const event = decodeEvent(record);
      if (event === null) continue;
      this.#fold.push(event, record);
      this.#vouched.push(event);
    }
  }
}
