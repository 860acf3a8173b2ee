import type { BigIntStats } from 'node:fs';
import { DirectoryWriter, PATH_JSON_BYTES_MAX, type BatchBuilder, type DirectoryCounts } from './batch.js';
import { compileExcludes, type Excluder } from './exclude.js';
import { MountTable } from './mounts.js';
import { joinPath, nameJson } from './names.js';
import type { DirectoryJob, FoundGroup, ListerOptions } from './protocol.js';

/** Subdirectories of one parent that are handed on together. */
const FOUND_NAMES_MAX = 4096;
/** What `st_blocks` counts in, whatever the file system's own blocks. */
const BLOCK_BYTES = 512;
const BLOCK = BigInt(BLOCK_BYTES);
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;

/** What all listings of a chunk share. */
export interface ListingContext {
  options: ListerOptions;
  mounts: MountTable;
  excluder: Excluder | null;
  /** ms of a clock that only goes forward. */
  now: () => number;
}

export function listingContext(
  options: ListerOptions,
  now = (): number => performance.now(),
): ListingContext {
  return {
    options,
    now,
    mounts: MountTable.read(),
    excluder: compileExcludes(options.mountPath, options.exclude, options.excludeDirectories),
  };
}

export type StatKind = 'file' | 'directory' | 'other';

export function statKind(stat: BigIntStats): StatKind {
  const type = Number(stat.mode) & S_IFMT;
  return type === S_IFREG ? 'file' : type === S_IFDIR ? 'directory' : 'other';
}

/** Whether two looks at a path saw the same thing. */
export function isSame(a: BigIntStats | undefined, b: BigIntStats): boolean {
  return a?.dev === b.dev && a.ino === b.ino;
}

/**
 * Whether another file system is there than when the scan began: the share was unmounted, or something was mounted
 * over it. What is seen there now says nothing about the share.
 */
export function isOtherMount(mount: BigIntStats | null, { mountDevice }: ListerOptions): boolean {
  return mount !== null && mountDevice !== null && String(mount.dev) !== mountDevice;
}

/** Whether a directory is known to have been there in this scan: a root that was never listed the plan alone promises. */
export function wasThere({ isRoot, record }: DirectoryJob): boolean {
  return !isRoot || !record;
}

/**
 * The book of one directory: every entry ends in exactly one of its accounts (row, subdirectory, other, excluded,
 * problem), and the number of entries proves it. Does no I/O; the listers do.
 */
export class Listing {
  readonly #context: ListingContext;
  readonly #job: DirectoryJob;
  readonly #batch: BatchBuilder;
  readonly #writer: DirectoryWriter | null;
  readonly #onFound: (group: FoundGroup) => void;
  readonly #counts: DirectoryCounts = { entries: 0, subdirectories: 0, others: 0, excluded: 0 };
  #names: string[] = [];
  #handedOn = false;
  #hasVanished = false;
  #hasFailed = false;

  /** @param onFound takes subdirectories early, where there are very many */
  constructor(
    context: ListingContext,
    job: DirectoryJob,
    batch: BatchBuilder,
    onFound: (group: FoundGroup) => void,
  ) {
    this.#context = context;
    this.#job = job;
    this.#batch = batch;
    this.#onFound = onFound;
    const mountType = job.path === context.options.mountPath ? undefined : context.mounts.typeAt(job.path);
    this.#writer = job.record ? new DirectoryWriter(batch, job.path, context.now(), mountType) : null;
  }

  /** Whether files are wanted at all. */
  get records(): boolean {
    return this.#writer !== null;
  }

  /** Whether any entry was seen. */
  get begun(): boolean {
    return this.#counts.entries > 0;
  }

  /** Whether some of it may have been handed on before its end. */
  get inParts(): boolean {
    return this.#handedOn || (this.#writer?.inParts ?? false);
  }

  /** Subdirectories not yet handed on: of most directories all, once it is listed. */
  takeFound(): FoundGroup | null {
    if (this.#names.length === 0) return null;
    const group = { parent: this.#job.path, names: this.#names.sort().join('/') };
    this.#names = [];
    return group;
  }

  /** The path of an entry. */
  pathOf(name: string): string {
    return joinPath(this.#job.path, name);
  }

  /** Counts an entry. False when it is left out. */
  admit(name: string): boolean {
    this.#counts.entries += 1;
    const { excluder } = this.#context;
    if (excluder === null || !excluder(name, this.pathOf(name))) return true;
    this.#counts.excluded += 1;
    return false;
  }

  /** Whether something is mounted there, as far as the mount table tells. */
  isMountPoint(name: string): boolean {
    return this.#context.mounts.typeAt(this.pathOf(name)) !== undefined;
  }

  excluded(): void {
    this.#counts.excluded += 1;
  }

  subdirectory(name: string): void {
    const path = this.pathOf(name);
    // A record that could not hold the path could not hold the directory.
    if (path.length * 6 > PATH_JSON_BYTES_MAX && Buffer.byteLength(nameJson(path)) > PATH_JSON_BYTES_MAX) {
      this.problem(name, 'readdir', 'ENAMETOOLONG');
      return;
    }
    this.#counts.subdirectories += 1;
    if (!this.#job.descend) return;
    this.#names.push(name);
    if (this.#names.length < FOUND_NAMES_MAX) return;
    this.#handedOn = true;
    const group = this.takeFound();
    if (group !== null) this.#onFound(group);
  }

  other(): void {
    this.#counts.others += 1;
  }

  /** It was gone before it could be looked at: as if the listing had come a moment later. */
  vanished(): void {
    this.#counts.entries -= 1;
    this.#hasVanished = true;
  }

  /** Whether entries were gone: then it must be made sure that the directory itself is still the same. */
  get hasVanished(): boolean {
    return this.#hasVanished;
  }

  /** Whether the directory itself could not be listed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  problem(name: string, operation: string, code: string): void {
    this.#writer?.problem(name, operation, code);
  }

  /** @param checksumJson the cell with its comma, or '' */
  file(name: string, stat: BigIntStats, checksumJson: string): void {
    const writer = this.#writer;
    if (writer === null) return;
    if (stat.nlink > 1n) writer.link(stat, this.#context.mounts.hasStableInodes(this.#job.path));
    // As numbers: sizes for which that is not exact are no closer to one another than a block.
    if (Number(stat.blocks) * BLOCK_BYTES < Number(stat.size)) writer.allocated(stat.blocks * BLOCK);
    writer.row(name, stat.size, stat.mtimeNs, checksumJson);
  }

  /** Ends a part where the last has long ended. Returns whether it did. */
  endOldPart(): boolean {
    return this.#writer?.endOldPart(this.#context.now()) ?? false;
  }

  finish(): void {
    this.#writer?.finish(this.#counts);
  }

  /**
   * The directory itself was gone: it holds nothing any more. One that an earlier attempt recorded is recorded anew:
   * what its listing promised will never come.
   */
  finishVanished(): void {
    this.#ownWriter().finish({ entries: 0, subdirectories: 0, others: 0, excluded: 0 }, true);
  }

  /**
   * The directory's own failure. Subdirectories seen before it are still listed. One that an earlier attempt recorded
   * fails, too: what lies below it is not reached, and nothing else would say why.
   */
  fail(operation: string, code: string): void {
    this.#hasFailed = true;
    this.#ownWriter().fail(operation, code);
  }

  /** Also where an earlier attempt recorded the directory. */
  #ownWriter(): DirectoryWriter {
    return this.#writer ?? new DirectoryWriter(this.#batch, this.#job.path, this.#context.now());
  }
}
