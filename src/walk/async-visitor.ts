import { lstat, open, opendir, stat, type BigIntStats, type Dir, type Dirent } from 'node:fs';
import { AsyncDigester } from '../hash/digest-async.js';
import type { ReadingWatch } from '../hash/long-read.js';
import { kindOf, type EntryKind } from './entries.js';
import { isOtherMount, isSame, statKind, wasThere, type Listing, type ListingContext } from './listing.js';
import { decodeName, joinPath, systemPath } from './names.js';
import { ancestorsOf, openPlaceWith } from './place.js';
import { CHANGED_RETRIES, type DirectoryJob, type Operation, type Reading } from './protocol.js';
import { errnoName, expectSystemError } from './system-error.js';
import { TimedOut, type TimedCalls } from './timed.js';

const BIGINT = { bigint: true } as const;
/** Entries read from a directory at once, and looked at before the next are read. */
const ENTRIES_AT_ONCE = 256;
/** A directory in which so many operations have timed out is given up. */
const TIMEOUTS_MAX = 3;

interface Entry {
  name: string;
  kind: EntryKind;
}

/** A directory being listed. */
interface Visit {
  listing: Listing;
  /** As system calls reach it. */
  reached: string;
  stat: BigIntStats;
  timeouts: number;
}

export interface VisitorPorts {
  calls: TimedCalls;
  /** Entries of one directory to look at side by side. */
  width(): number;
  /** Something of a directory has been handed to the batch before its end. */
  partEnded(): void;
  /** How far a file is that takes long to read. */
  reading(reading: Reading): void;
  /** Resolves when more may be recorded. */
  readerReady(): Promise<void>;
}

/** Lists single directories with calls that do not block. */
export class DirectoryVisitor {
  readonly #context: ListingContext;
  readonly #ports: VisitorPorts;
  readonly #calls: TimedCalls;
  readonly #checksums: boolean;
  #mountStat: Promise<BigIntStats | null> | null = null;

  constructor(context: ListingContext, ports: VisitorPorts) {
    this.#context = context;
    this.#ports = ports;
    this.#calls = ports.calls;
    this.#checksums = context.options.checksum !== 'none';
  }

  /**
   * Never rejects for what the file system says: that is recorded.
   * @returns whether the directory could not even be looked up in time
   */
  async visit(job: DirectoryJob, listing: Listing): Promise<boolean> {
    let operation: Operation = 'lstat';
    try {
      const place = await openPlaceWith(job.path, (path, flags) =>
        this.#calls.call<number>((done) => open(path, flags, done)),
      );
      try {
        const visit = await this.#enter(job, listing, place.path);
        if (typeof visit === 'string') {
          await this.#fail(job, listing, operation, visit);
          return false;
        }
        operation = 'readdir';
        await this.#entries(visit);
        if (visit.timeouts >= TIMEOUTS_MAX) throw new TimedOut();
        const doubtful = listing.hasVanished || job.isRoot;
        if (doubtful && !(await this.#isStill(place.path, visit.stat))) {
          listing.fail('lstat', 'ESTALE');
          return false;
        }
      } finally {
        place.close();
      }
    } catch (error) {
      await this.#fail(job, listing, operation, errnoName(error));
      return operation === 'lstat' && error instanceof TimedOut;
    }
    listing.finish();
    return false;
  }

  /** A directory that is gone is no problem, unless it went with its mount. */
  async #fail(job: DirectoryJob, listing: Listing, operation: Operation, code: string): Promise<void> {
    const mount = (await this.#mountStat) ?? null;
    const { options } = this.#context;
    const gone = code === 'ENOENT' && wasThere(job) && !listing.begun && mount !== null;
    if (gone && !isOtherMount(mount, options) && (await this.#isStill(options.mountPath, mount)))
      listing.finishVanished();
    else listing.fail(operation, code);
  }

  /** Whether a path leads to the same directory as before. */
  async #isStill(path: string, before: BigIntStats): Promise<boolean> {
    try {
      return isSame(await this.#stat(systemPath(path), true), before);
    } catch (error) {
      expectSystemError(error);
      return false;
    }
  }

  /** Looks at the directory itself. Returns why it must not be listed, or the visit. */
  async #enter(job: DirectoryJob, listing: Listing, reached: string): Promise<Visit | string> {
    const { mountPath } = this.#context.options;
    this.#mountStat ??= this.#stat(systemPath(mountPath), true).catch((error: unknown) => {
      expectSystemError(error);
      return null;
    });
    const isTop = job.path === mountPath; // what the user names may be a symlink
    const stat = await this.#stat(systemPath(reached), isTop);
    if (isOtherMount(await this.#mountStat, this.#context.options)) return 'ESTALE';
    if (statKind(stat) !== 'directory') return 'ENOTDIR';
    const isMount = !isTop && this.#context.mounts.typeAt(job.path) !== undefined;
    if (isMount && (await this.#isLoop(job.path, stat))) return 'ELOOP';
    return { listing, reached, stat, timeouts: 0 };
  }

  /** Whether a mounted directory is one of those it lies in: its subtree would repeat itself. */
  async #isLoop(path: string, stat: BigIntStats): Promise<boolean> {
    for (const ancestor of ancestorsOf(path, this.#context.options.mountPath)) {
      if (isSame(await this.#stat(systemPath(ancestor)), stat)) return true;
    }
    return false;
  }

  #stat(path: string | Buffer, follow = false): Promise<BigIntStats> {
    return this.#calls.call<BigIntStats>((done) =>
      follow ? stat(path, BIGINT, done) : lstat(path, BIGINT, done),
    );
  }

  async #entries(visit: Visit): Promise<void> {
    // The types of Node know text only; with this encoding names are buffers.
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE };
    const directory = await this.#calls.call<Dir>((done) =>
      opendir(systemPath(visit.reached), options, done),
    );
    try {
      for (let ended = false; !ended && visit.timeouts < TIMEOUTS_MAX;) {
        const entries: Entry[] = [];
        ended = await this.#read(directory, visit.listing, entries);
        await this.#lookAt(visit, entries);
        await this.#ports.readerReady();
      }
    } finally {
      directory.close(() => undefined); // one that hangs costs a thread, and nobody waits for it
    }
  }

  /** Reads some entries; keeps those that need a look of their own. Returns whether the directory has ended. */
  async #read(directory: Dir, listing: Listing, entries: Entry[]): Promise<boolean> {
    for (let read = 0; read < ENTRIES_AT_ONCE; read += 1) {
      const entry = await this.#calls.call<Dirent | null>((done) =>
        directory.read(done as (error: NodeJS.ErrnoException | null, entry: Dirent | null) => void),
      );
      if (entry === null) return true;
      const name = decodeName(entry.name as unknown as Buffer);
      if (!listing.admit(name)) continue;
      const kind = kindOf(entry);
      if (kind === 'other') listing.other();
      else if (kind === 'directory' && !this.#context.options.oneFileSystem) listing.subdirectory(name);
      else if (kind === 'directory' || listing.records) entries.push({ name, kind });
    }
    return false;
  }

  /** As many at once as there is room for beside the other directories. */
  async #lookAt(visit: Visit, entries: readonly Entry[]): Promise<void> {
    let next = 0;
    const work = async (): Promise<void> => {
      while (visit.timeouts < TIMEOUTS_MAX) {
        const entry = entries[next];
        if (entry === undefined) return;
        next += 1;
        await this.#look(visit, entry);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#ports.width(), entries.length) }, work));
  }

  async #look(visit: Visit, { name, kind: seenKind }: Entry): Promise<void> {
    const { listing } = visit;
    if (seenKind === 'directory' && listing.isMountPoint(name)) {
      listing.excluded();
      return;
    }
    const path = systemPath(joinPath(visit.reached, name));
    let seen: BigIntStats;
    try {
      seen = await this.#stat(path);
    } catch (error) {
      const code = this.#codeOf(visit, error);
      if (seenKind === 'directory') listing.subdirectory(name);
      else if (code === 'ENOENT') listing.vanished();
      else listing.problem(name, 'lstat', code);
      return;
    }
    const kind = statKind(seen);
    if (kind === 'other') listing.other();
    else if (kind === 'directory') {
      const foreign = this.#context.options.oneFileSystem && seen.dev !== visit.stat.dev;
      if (foreign) listing.excluded();
      else listing.subdirectory(name);
    } else if (this.#checksums) {
      await this.#digest(visit, name, path, seen);
      if (listing.endOldPart()) this.#ports.partEnded();
    } else listing.file(name, seen, '');
  }

  #codeOf(visit: Visit, error: unknown): string {
    if (error instanceof TimedOut) visit.timeouts += 1;
    return errnoName(error);
  }

  async #digest(visit: Visit, name: string, path: string | Buffer, stat: BigIntStats): Promise<void> {
    const { listing } = visit;
    const mode = this.#context.options.checksum === 'full' ? 'full' : 'sampled';
    const digester = new AsyncDigester(mode, (start) => this.#calls.call(start));
    const watch = this.#watch(listing, name);
    let seen = stat;
    try {
      for (let retries = 0; retries <= CHANGED_RETRIES; retries += 1) {
        const { checksum, short } = await digester.digest(path, seen.size, watch);
        const now = short ? await this.#stat(path) : seen;
        // Some files are always shorter than they claim.
        if (now.size === seen.size && now.mtimeNs === seen.mtimeNs) {
          listing.file(name, seen, `,"${checksum}"`);
          return;
        }
        if (statKind(now) !== 'file') break;
        seen = now;
      }
      listing.problem(name, 'read', 'EAGAIN');
    } catch (error) {
      listing.problem(name, digester.operation, this.#codeOf(visit, error));
    }
    listing.file(name, seen, ',null');
  }

  /** Says how far a file is that takes long to read; what was listed before it does not wait for its end. */
  #watch(listing: Listing, name: string): ReadingWatch {
    const tell = (bytesRead: number, bytesTotal: number): void => {
      if (listing.endOldPart()) this.#ports.partEnded();
      this.#ports.reading({ path: listing.pathOf(name), bytesRead, bytesTotal });
    };
    return { now: this.#context.now, tell };
  }
}
