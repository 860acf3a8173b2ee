import { BatchBuilder } from './batch.js';
import { columnsFor } from './columns.js';
import { DirectoryVisitor } from './async-visitor.js';
import { Listing, type ListingContext } from './listing.js';
import {
  noTotals,
  UNREAD_MAX,
  type DirectoryJob,
  type FoundGroup,
  type ListerAnswer,
  type Reading,
  type Totals,
} from './protocol.js';
import { TimedCalls } from './timed.js';

/** Records wait so long for more of them. */
const FLUSH_MS = 150;

/**
 * Lists many directories at once with calls that do not block: latency rules on network and FUSE mounts, and one
 * that hangs must not stop the others. Runs in a process of its own, which can be left behind when it hangs.
 */
export class AsyncLister {
  readonly #context: ListingContext;
  readonly #answer: (answer: ListerAnswer) => void;
  readonly #batch: BatchBuilder;
  readonly #calls: TimedCalls;
  readonly #visitor: DirectoryVisitor;
  #done: number[] = [];
  #timedOut: string[] = [];
  #failed: string[] = [];
  #found: FoundGroup[] = [];
  #active = 0;
  #atOnce = 1;
  #unread = 0;
  readonly #readerWaits: (() => void)[] = [];
  #isTelling = false;
  #willFlush = false;

  constructor(context: ListingContext, answer: (answer: ListerAnswer) => void) {
    const { chunk, attempt, checksum, ioTimeoutMs } = context.options;
    this.#context = context;
    this.#answer = answer;
    this.#calls = new TimedCalls(ioTimeoutMs);
    this.#visitor = new DirectoryVisitor(context, {
      calls: this.#calls,
      width: () => Math.max(1, Math.floor(this.#atOnce / Math.max(1, this.#active))),
      readerReady: () => this.#readerReady(),
      partEnded: () => this.#tellSoon(),
      reading: (reading) => this.#post(null, noTotals(), reading),
    });
    this.#batch = new BatchBuilder({
      chunk,
      attempt,
      columns: columnsFor(checksum),
      emit: (data, totals) => {
        this.#unread += 1;
        this.#post(data, totals);
      },
    });
  }

  /** @param atOnce operations that may run at once, over all directories */
  list(jobs: readonly DirectoryJob[], atOnce: number): void {
    this.#atOnce = atOnce;
    for (const job of jobs) void this.#run(job);
  }

  /** One of the answers with records is on disk. */
  acknowledge(): void {
    this.#unread -= 1;
    if (this.#unread < UNREAD_MAX) for (const goOn of this.#readerWaits.splice(0)) goOn();
  }

  /** A full disk must not fill the memory instead. */
  async #readerReady(): Promise<void> {
    while (this.#unread >= UNREAD_MAX) {
      await new Promise<void>((goOn) => {
        this.#readerWaits.push(goOn);
      });
    }
  }

  async #run(job: DirectoryJob): Promise<void> {
    this.#active += 1;
    const listing = new Listing(this.#context, job, this.#batch, (group) => this.#found.push(group));
    if (await this.#visitor.visit(job, listing)) this.#timedOut.push(job.path);
    const found = listing.takeFound();
    if (found !== null) this.#found.push(found);
    this.#done.push(job.id);
    if (listing.hasFailed) this.#failed.push(job.path);
    this.#active -= 1;
    // Whoever hears that the last one is done must have had all records.
    if (this.#active === 0) this.#batch.flush();
    this.#tellSoon();
  }

  /** What is done is told at once, as others wait for its subdirectories; records when some have come together. */
  #tellSoon(): void {
    if (!this.#isTelling) {
      this.#isTelling = true;
      setImmediate(() => {
        this.#isTelling = false;
        this.#post(null, noTotals());
      });
    }
    if (this.#willFlush) return;
    this.#willFlush = true;
    setTimeout(() => {
      this.#willFlush = false;
      this.#batch.flush();
    }, FLUSH_MS);
  }

  #post(data: Uint8Array | null, totals: Totals, reading: Reading | null = null): void {
    const { calls, callsMs, stuck } = this.#calls;
    this.#calls.calls = 0;
    this.#calls.callsMs = 0;
    // Records go out when they are full, in the midst of a directory: what is done is told apart from them.
    const done = data === null ? this.#done.splice(0) : [];
    const found = data === null ? this.#found.splice(0) : [];
    const timedOut = data === null ? this.#timedOut.splice(0) : [];
    const failed = data === null ? this.#failed.splice(0) : [];
    this.#answer({
      data,
      totals,
      done,
      found,
      operations: calls,
      operationsMs: callsMs,
      steadyMs: callsMs,
      timedOut,
      failed,
      stuck,
      reading,
    });
  }
}
