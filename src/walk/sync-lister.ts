import { lstatSync, statSync, type BigIntStats } from 'node:fs';
import { SyncDigester } from '../hash/digest-sync.js';
import type { ReadingWatch } from '../hash/long-read.js';
import { BatchBuilder } from './batch.js';
import { columnsFor } from './columns.js';
import { readEntries, STREAMED_BYTES_MIN, type EntryKind } from './entries.js';
import { isOtherMount, isSame, Listing, statKind, wasThere, type ListingContext } from './listing.js';
import { isRaw, systemPath } from './names.js';
import { ancestorsOf, openPlace } from './place.js';
import { OperationClock, SLOW_MS, STALL_FACTOR } from './operation-clock.js';
import {
  CHANGED_RETRIES,
  OPERATIONS,
  PROGRESS,
  RECORD_MS,
  UNREAD_MAX,
  noTotals,
  type DirectoryJob,
  type FoundGroup,
  type ListerAnswer,
  type Operation,
  type Reading,
  type Totals,
} from './protocol.js';
import { errnoName, expectSystemError } from './system-error.js';

const LSTAT = { bigint: true, throwIfNoEntry: false } as const;

/**
 * Lists directories with blocking calls, one after the other: the fastest way where answers come from memory or a
 * local disk. Runs in a thread of its own; `progress` (words as in PROGRESS) lets another watch it.
 */
export class SyncLister {
  readonly #context: ListingContext;
  readonly #progress: Int32Array;
  readonly #answer: (answer: ListerAnswer) => void;
  readonly #digester: SyncDigester | null;
  readonly #batch: BatchBuilder;
  #done: number[] = [];
  #found: FoundGroup[] = [];
  #failed: string[] = [];
  readonly #clock: OperationClock;
  /** When the records in hand were begun. */
  #recordedAtMs = 0;
  /** Of the directory being listed: how system calls reach it, and what it is. */
  #prefix = '';
  #prefixIsRaw = false;
  #directoryStat!: BigIntStats;
  #mountStat: BigIntStats | null = null;

  constructor(context: ListingContext, progress: Int32Array, answer: (answer: ListerAnswer) => void) {
    const { chunk, attempt, checksum } = context.options;
    this.#context = context;
    this.#progress = progress;
    this.#answer = answer;
    this.#clock = new OperationClock(context.now, SLOW_MS[checksum] * STALL_FACTOR);
    this.#digester =
      checksum === 'none' ? null : new SyncDigester(checksum, (operation) => this.#beat(operation));
    const emit = (data: Uint8Array, totals: Totals): void => this.#post(data, totals);
    this.#batch = new BatchBuilder({ chunk, attempt, columns: columnsFor(checksum), emit });
  }

  /** Lists them all; each is answered for when this returns. */
  list(jobs: readonly DirectoryJob[]): void {
    this.#clock.start();
    this.#recordedAtMs = this.#context.now();
    for (const job of jobs) {
      this.#progress[PROGRESS.jobId] = job.id;
      const listing = new Listing(this.#context, job, this.#batch, (group) => this.#found.push(group));
      this.#directory(job, listing);
      // Only now: a directory may be listed again when the next one hangs before its records were handed out.
      const found = listing.takeFound();
      if (found !== null) this.#found.push(found);
      this.#done.push(job.id);
      if (listing.hasFailed) this.#failed.push(job.path);
      if (listing.inParts || this.#context.now() - this.#recordedAtMs >= RECORD_MS) this.#batch.flush();
    }
    this.#progress[PROGRESS.jobId] = 0;
    if (!this.#batch.flush()) this.#post(null, noTotals());
  }

  #beat(operation: Operation): void {
    this.#progress[PROGRESS.operation] = OPERATIONS.indexOf(operation);
    this.#progress[PROGRESS.beats] = (this.#progress[PROGRESS.beats] ?? 0) + 1;
    this.#clock.beat();
  }

  /** Answers with what is there; `done` jobs are those whose records are in this or an earlier answer. */
  #post(data: Uint8Array | null, totals: Totals, reading: Reading | null = null): void {
    const now = this.#context.now();
    this.#answer({
      data,
      totals,
      done: this.#done,
      found: this.#found,
      ...this.#clock.take(now),
      timedOut: [],
      failed: this.#failed,
      stuck: 0,
      reading,
    });
    this.#done = [];
    this.#found = [];
    this.#failed = [];
    if (data !== null) {
      this.#recordedAtMs = now;
      this.#awaitReader();
    }
    this.#clock.start();
  }

  /** Goes on when few enough answers are on their way: a full disk must not fill the memory instead. */
  #awaitReader(): void {
    const progress = this.#progress;
    let unread = Atomics.add(progress, PROGRESS.unread, 1) + 1;
    if (unread < UNREAD_MAX) return;
    Atomics.store(progress, PROGRESS.waits, 1);
    while (unread >= UNREAD_MAX) {
      Atomics.wait(progress, PROGRESS.unread, unread);
      unread = Atomics.load(progress, PROGRESS.unread);
    }
    Atomics.store(progress, PROGRESS.waits, 0);
  }

  #directory(job: DirectoryJob, listing: Listing): void {
    let operation: Operation = 'lstat';
    try {
      const place = openPlace(job.path);
      try {
        this.#beat(operation);
        const trouble = this.#enter(job.path, place.path);
        if (trouble !== null) {
          this.#fail(job, listing, operation, trouble);
          return;
        }
        operation = 'readdir';
        this.#beat(operation);
        const onEntry = (name: string, kind: EntryKind): void => {
          if (listing.admit(name)) this.#entry(listing, name, kind);
        };
        const isBig = this.#directoryStat.size >= STREAMED_BYTES_MIN;
        readEntries(place.path, isBig, onEntry, () => this.#beat('readdir'));
        const doubtful = listing.hasVanished || job.isRoot;
        if (doubtful && !this.#isStill(place.path, this.#directoryStat)) {
          listing.fail('lstat', 'ESTALE');
          return;
        }
      } finally {
        place.close();
      }
    } catch (error) {
      this.#fail(job, listing, operation, errnoName(error));
      return;
    }
    listing.finish();
  }

  /** A directory that is gone is no problem, unless it went with its mount. */
  #fail(job: DirectoryJob, listing: Listing, operation: Operation, code: string): void {
    const mount = this.#mountStat;
    const { options } = this.#context;
    const gone = code === 'ENOENT' && wasThere(job) && !listing.begun && mount !== null;
    if (gone && !isOtherMount(mount, options) && this.#isStill(options.mountPath, mount))
      listing.finishVanished();
    else listing.fail(operation, code);
  }

  /** Whether a path leads to the same directory as before. */
  #isStill(path: string, before: BigIntStats): boolean {
    try {
      this.#beat('lstat');
      return isSame(statSync(systemPath(path), LSTAT), before);
    } catch (error) {
      expectSystemError(error);
      return false;
    }
  }

  /** Looks at the directory itself. Returns why it must not be listed, or null. */
  #enter(path: string, reached: string): string | null {
    const { mountPath } = this.#context.options;
    this.#mountStat ??= statSync(systemPath(mountPath), LSTAT) ?? null;
    const isTop = path === mountPath; // what the user names may be a symlink
    const stat = isTop ? statSync(systemPath(reached), LSTAT) : this.#lstat(systemPath(reached));
    if (stat === undefined) return 'ENOENT';
    if (isOtherMount(this.#mountStat, this.#context.options)) return 'ESTALE';
    if (statKind(stat) !== 'directory') return 'ENOTDIR';
    this.#prefix = reached.endsWith('/') ? reached : `${reached}/`;
    this.#prefixIsRaw = isRaw(reached);
    this.#directoryStat = stat;
    const isMount = !isTop && this.#context.mounts.typeAt(path) !== undefined;
    return isMount && this.#isLoop(path, stat) ? 'ELOOP' : null;
  }

  /** Whether a mounted directory is one of those it lies in: its subtree would repeat itself. */
  #isLoop(path: string, stat: BigIntStats): boolean {
    for (const ancestor of ancestorsOf(path, this.#context.options.mountPath)) {
      const above = this.#lstat(systemPath(ancestor));
      if (isSame(above, stat)) return true;
    }
    return false;
  }

  #lstat(path: string | Buffer): BigIntStats | undefined {
    this.#beat('lstat');
    return lstatSync(path, LSTAT);
  }

  #child(name: string): string | Buffer {
    const path = this.#prefix + name;
    return this.#prefixIsRaw || isRaw(name) ? systemPath(path) : path;
  }

  #entry(listing: Listing, name: string, kind: EntryKind): void {
    if (kind === 'other') listing.other();
    else if (kind === 'directory') this.#subdirectory(listing, name);
    else if (listing.records || kind === 'unknown') this.#look(listing, name);
  }

  #subdirectory(listing: Listing, name: string): void {
    if (this.#context.options.oneFileSystem && this.#isForeign(listing, name)) listing.excluded();
    else listing.subdirectory(name);
  }

  /** Where a directory cannot be looked at, its own listing will tell. */
  #isForeign(listing: Listing, name: string): boolean {
    if (listing.isMountPoint(name)) return true;
    try {
      const stat = this.#lstat(this.#child(name));
      return stat !== undefined && stat.dev !== this.#directoryStat.dev;
    } catch (error) {
      expectSystemError(error);
      return false;
    }
  }

  #look(listing: Listing, name: string): void {
    const path = this.#child(name);
    let stat: BigIntStats | undefined;
    try {
      stat = this.#lstat(path);
    } catch (error) {
      listing.problem(name, 'lstat', errnoName(error));
      return;
    }
    if (stat === undefined) {
      listing.vanished();
      return;
    }
    const kind = statKind(stat);
    if (kind === 'other') listing.other();
    else if (kind === 'directory') this.#subdirectory(listing, name);
    else if (this.#digester === null) listing.file(name, stat, '');
    else if (listing.records) {
      this.#digest(this.#digester, listing, { name, path, stat });
      if (listing.endOldPart()) this.#batch.flush();
    }
  }

  #digest(
    digester: SyncDigester,
    listing: Listing,
    { name, path, stat }: { name: string; path: string | Buffer; stat: BigIntStats },
  ): void {
    let seen = stat;
    const watch = this.#watch(listing, name);
    try {
      for (let retries = 0; retries <= CHANGED_RETRIES; retries += 1) {
        const { checksum, short } = digester.digest(path, seen.size, watch);
        const now = short ? this.#lstat(path) : seen;
        // Some files (of /sys, say) are always shorter than they claim.
        if (now !== undefined && now.size === seen.size && now.mtimeNs === seen.mtimeNs) {
          listing.file(name, seen, `,"${checksum}"`);
          return;
        }
        if (now === undefined || statKind(now) !== 'file') break;
        seen = now;
      }
      listing.problem(name, 'read', 'EAGAIN');
    } catch (error) {
      listing.problem(name, digester.operation, errnoName(error));
    }
    listing.file(name, seen, ',null');
  }

  /** Says how far a file is that takes long to read; what was listed before it does not wait for its end. */
  #watch(listing: Listing, name: string): ReadingWatch {
    const tell = (bytesRead: number, bytesTotal: number): void => {
      listing.endOldPart();
      this.#batch.flush();
      this.#post(null, noTotals(), { path: listing.pathOf(name), bytesRead, bytesTotal });
    };
    return { now: this.#context.now, tell };
  }
}
