import type { ChunkRoot } from '../../journal/events/index.js';
import { BatchBuilder, DirectoryWriter } from '../walk/batch.js';
import { columnsFor } from '../walk/columns.js';
import type { Frontier } from '../walk/frontier.js';
import type { Lister, ListerEvents } from '../walk/lister.js';
import {
  addTotals,
  noTotals,
  type DirectoryJob,
  type ListerAnswer,
  type ListerOptions,
  type Reading,
  type Totals,
} from '../walk/protocol.js';
import { BlockedParents, parentOf } from './blocked-parents.js';
import type { EarlierListings } from './listed.js';
import { Pace } from './pace.js';

/** What is given away is named place by place; while naming all that waits takes more than this, the walk goes on. */
const YIELDED_CHARS_MAX = 128 * 1024;

export interface WalkPorts {
  /** Records one payload of `files.batch`; resolves when it is on disk. */
  record(data: Uint8Array): Promise<unknown>;
  /** Nothing more will be recorded: what waits for company is not to wait. */
  flush(): void;
  /** Records how many directories at once were found best; resolves when it is on disk. */
  tuned(directoriesAtOnce: number): Promise<unknown>;
  /** Records how far a file is that takes long to read. */
  reading(reading: Reading): Promise<unknown>;
  /** A lister for the work to come; `careful` once one has hung or was slow. */
  createLister(events: ListerEvents, careful: boolean): Lister;
  log(line: string): void;
}

export interface WalkResult {
  /** Of what was recorded. */
  totals: Totals;
  /** At the end; null where that is recorded already. */
  directoriesAtOnce: number | null;
  /** Roots given away; null when the chunk was walked to its end. */
  remaining: ChunkRoot[] | null;
}

/** Walks one chunk: hands directories to a lister and its answers to the journal. */
export class Walk {
  readonly #options: ListerOptions;
  readonly #frontier: Frontier;
  readonly #earlier: EarlierListings;
  readonly #ports: WalkPorts;
  readonly #totals = noTotals();
  readonly #records = new Set<Promise<void>>();
  readonly #end: { resolve(): void; reject(error: Error): void };
  readonly #ended: Promise<void>;
  #lister: Lister;
  /** Jobs a lister had when it hung: they come first. */
  #again: DirectoryJob[] = [];
  #jobsOut = 0;
  #yielding = false;
  /** What no attempt has recorded is for other chunks. */
  #givesAway = false;
  /** The lister in use is to be replaced once it has answered for all it has. */
  #slow = false;
  #tuned: number | null = null;
  /** Id of the mount's own directory while that is being listed before all others. */
  #mount: number | null = null;
  readonly #pace: Pace;
  readonly #blocked = new BlockedParents();

  constructor(
    options: ListerOptions,
    { frontier, earlier }: { frontier: Frontier; earlier: EarlierListings },
    ports: WalkPorts,
  ) {
    this.#options = options;
    this.#frontier = frontier;
    this.#earlier = earlier;
    this.#ports = ports;
    this.#pace = new Pace(options.checksum);
    let end: { resolve(): void; reject(error: Error): void } | undefined;
    this.#ended = new Promise((resolve, reject) => {
      end = { resolve, reject };
    });
    if (end === undefined) throw new Error('unreachable: promises call their executor at once');
    this.#end = end;
    this.#lister = this.#createLister(false);
  }

  /** @throws what the journal or a lister cannot go on after */
  async run(): Promise<WalkResult> {
    this.#pump();
    try {
      await this.#ended;
      this.#ports.flush();
      await Promise.all(this.#records);
    } finally {
      this.#lister.close();
    }
    const remaining = this.#frontier.drain();
    return {
      totals: this.#totals,
      directoriesAtOnce: this.#lister.atOnce === this.#tuned ? null : this.#lister.atOnce,
      remaining: remaining.length === 0 ? null : remaining,
    };
  }

  /** Hands out nothing more; `run` resolves when what is in hand is recorded. */
  yield(): void {
    this.#yielding = true;
    this.#pump();
  }

  /** Stops at once; what is not recorded yet is lost to this attempt. */
  abandon(): void {
    this.#lister.close();
    this.#end.resolve();
  }

  #createLister(careful: boolean): Lister {
    return this.#ports.createLister(
      {
        onAnswer: (answer) => this.#onAnswer(answer),
        onHung: (hung) => this.#onHung(hung),
        onTuned: (atOnce) => {
          this.#tuned = atOnce;
          this.#note(this.#ports.tuned(atOnce));
        },
        onFailed: (error) => this.#end.reject(error),
      },
      careful,
    );
  }

  #pump(): void {
    if (this.#slow && this.#jobsOut === 0) this.#changeLister();
    this.#givesAway ||=
      this.#yielding && this.#again.length === 0 && this.#frontier.fitsInto(YIELDED_CHARS_MAX);
    do {
      this.#handOut();
      if (this.#jobsOut === 0) this.#list(this.#blocked.tries());
    } while (this.#jobsOut === 0 && this.#seekUnreached());
    if (this.#jobsOut === 0) this.#end.resolve();
  }

  #handOut(): void {
    while (!this.#slow && this.#mount === null) {
      const wanted = this.#lister.wants;
      const jobs = this.#again.splice(0, wanted);
      const more = wanted - jobs.length;
      jobs.push(...(this.#givesAway ? this.#frontier.takeListed(more) : this.#frontier.take(more)));
      this.#mountFirst(jobs);
      if (jobs.length === 0) break;
      this.#list(this.#blocked.admit(jobs));
    }
  }

  /** All is done: what earlier attempts listed and this one has not come by is looked for at its own place. */
  #seekUnreached(): boolean {
    const paths = this.#earlier.unreached();
    for (const path of paths) {
      const parent = parentOf(path);
      this.#frontier.add({ parent, names: path.slice(parent === '/' ? 1 : parent.length + 1) });
    }
    return paths.length > 0;
  }

  /**
   * The mount's own files before its directories, where both are roots: a lookup that hangs in it would hold up its
   * listing, see plan/cautious.ts.
   */
  #mountFirst(jobs: DirectoryJob[]): void {
    const first = jobs[0];
    if (first === undefined || !first.isRoot || first.descend) return;
    if (first.path !== this.#options.mountPath || this.#lister.kind === 'thread') return;
    this.#mount = first.id;
    this.#again.unshift(...jobs.splice(1));
  }

  #list(jobs: DirectoryJob[]): void {
    if (jobs.length === 0) return;
    this.#jobsOut += jobs.length;
    this.#lister.list(jobs);
  }

  /** One that blocks in each call is replaced where calls take long. */
  #changeLister(): void {
    this.#slow = false;
    this.#lister.close();
    this.#lister = this.#createLister(true);
    this.#ports.log('the file system is slow: several directories at once from here on');
  }

  #onAnswer(answer: ListerAnswer): void {
    const { data, totals, done, found, timedOut, failed, reading } = answer;
    this.#earlier.fail(failed);
    if (this.#lister.kind === 'thread') this.#slow ||= this.#pace.isSlow(answer);
    if (data !== null) this.#record(data, totals);
    if (reading !== null) this.#note(this.#ports.reading(reading));
    this.#jobsOut -= done.length;
    if (this.#mount !== null && done.includes(this.#mount)) this.#mount = null;
    const { again, lost } = this.#blocked.settle(done, timedOut);
    this.#again.push(...again);
    if (lost.length > 0) this.#giveUp(lost, 'lstat');
    for (const group of found) this.#frontier.add(group);
    this.#pump();
  }

  #record(data: Uint8Array, totals: Totals): void {
    addTotals(this.#totals, totals);
    this.#note(this.#ports.record(data).then(() => this.#lister.acknowledge()));
  }

  /** The walk ends when all that it recorded is on disk, and with the error of what cannot be. */
  #note(recording: Promise<unknown>): void {
    const recorded = recording.then(
      () => {
        this.#records.delete(recorded);
      },
      (error: unknown) => this.#end.reject(error instanceof Error ? error : new Error(String(error))),
    );
    this.#records.add(recorded);
  }

  #onHung({ job, operation, unlisted }: Parameters<ListerEvents['onHung']>[0]): void {
    this.#ports.log(`${operation} hangs in ${job.path}: given up after ${this.#options.ioTimeoutMs} ms`);
    this.#lister = this.#createLister(true);
    this.#giveUp([job], operation);
    this.#again = unlisted;
    this.#jobsOut -= unlisted.length + 1;
    this.#pump();
  }

  #giveUp(jobs: readonly DirectoryJob[], operation: string): void {
    const batch = new BatchBuilder({
      chunk: this.#options.chunk,
      attempt: this.#options.attempt,
      columns: columnsFor(this.#options.checksum),
      emit: (data, totals) => this.#record(data, totals),
    });
    for (const { path } of jobs) new DirectoryWriter(batch, path, 0).fail(operation, 'ETIMEDOUT');
    this.#earlier.fail(jobs.map(({ path }) => path));
    batch.flush();
  }
}
