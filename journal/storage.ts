import { mkdir, open, rm, statfs, type FileHandle } from 'node:fs/promises';
import { constants as osConstants } from 'node:os';
import { dirname } from 'node:path';

/** Whom what we write belongs to: PUID, PGID and UMASK. null: as the process has it. */
export interface FileOwner {
  uid: number | null;
  gid: number | null;
  umask: number | null;
}

export const OWNER_OF_PROCESS: FileOwner = { uid: null, gid: null, umask: null };

/** A segment being written. Every call rejects with the system's own error. */
export interface SegmentFile {
  /** Appends; may write fewer bytes than it was given. Resolves with how many. */
  write(bytes: Buffer): Promise<number>;
  datasync(): Promise<void>;
  /** `linked`: whether a name still leads to this file. */
  stat(): Promise<{ bytes: number; linked: boolean }>;
  close(): Promise<void>;
}

/** Bytes of a file system that hold nothing. */
export interface DiskRoom {
  /** For everybody to write to. */
  available: number;
  /** With what it keeps, of which root may have some. */
  free: number;
}

/** All that a writer asks of a file system. Tests bring one that loses what was not synced. */
export interface JournalStorage {
  /** Creates the file (EEXIST where it exists) and its folders; their directory entries are on disk. */
  createSegment(path: string): Promise<SegmentFile>;
  /** Bytes on the file system of `folder`; Infinity where nobody can tell. */
  room(folder: string): Promise<DiskRoom>;
  /** Really occupies that many bytes under this name: more are written, fewer are given back; 0: the file goes. */
  reserve(path: string, bytes: number): Promise<void>;
}

export const FILE_MODE = 0o666;
const FOLDER_MODE = 0o777;
const UMASK_DEFAULT = 0o022;
/** What file systems answer that cannot sync a directory (FUSE, SMB, vfat). */
const SYNC_UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF', 'EISDIR', 'ENOSYS']);

/** Whether an errno's name says that there is no room left. */
export function isFullDisk(code: string): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What a file system of Linux may answer, too, and Node has no name for. */
const UNNAMED_ERRNOS: Readonly<Record<string, number>> = {
  EUCLEAN: 117,
  EREMOTEIO: 121,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EHWPOISON: 133,
};

/**
 * The errno's name of a system error, also where libuv has none for it (ESTALE, EDQUOT, EUCLEAN …): it says `UNKNOWN` then,
 * or `Unknown system error -116`.
 * @returns `E999` for a number that nobody has a name for; `UNKNOWN` for what is no error of the system
 */
export function errnoName(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code !== undefined && /^E[A-Z0-9]+$/.test(code)) return code;
  if (errno === undefined) return code ?? 'UNKNOWN';
  const names = Object.entries({ ...osConstants.errno, ...UNNAMED_ERRNOS });
  return names.find(([, value]) => value === -errno)?.[0] ?? `E${-errno}`;
}

/** What libuv has no words for. */
const WORDS: Readonly<Record<string, string>> = {
  EDQUOT: 'disk quota exceeded',
  ESTALE: 'stale file handle',
};

/** An error in words that name the errno, whatever libuv calls it. */
export function messageOf(error: unknown): string {
  const name = errnoName(error);
  if (name in WORDS) return `${name}: ${WORDS[name] ?? ''}`;
  return error instanceof Error ? error.message : String(error);
}

/** Makes a directory's entries durable, where its file system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!SYNC_UNSUPPORTED.has(errnoName(error))) throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Creates missing folders with the owner's mode, each one's entry on disk before this resolves. Unlike `mkdir` with
 * `recursive` it ends where a file system answers ENOENT although the parent is there (/proc, an automounter).
 */
export async function makeFolder(folder: string, owner: FileOwner = OWNER_OF_PROCESS): Promise<void> {
  try {
    await makeOne(folder, owner);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder), owner);
    await makeOne(folder, owner);
  }
}

async function makeOne(folder: string, owner: FileOwner): Promise<void> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return;
    throw error;
  }
  const handle = await open(folder, 'r');
  try {
    await own(handle, owner, FOLDER_MODE);
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(folder));
}

/** Gives a file of ours the owner and mode that were asked for. */
export async function own(handle: FileHandle, owner: FileOwner, mode = FILE_MODE): Promise<void> {
  if (owner.umask !== null) await handle.chmod(mode & ~owner.umask);
  if (owner.uid !== null || owner.gid !== null) {
    const { uid, gid } = await handle.stat();
    await handle.chown(owner.uid ?? uid, owner.gid ?? gid);
  }
}

class NodeSegmentFile implements SegmentFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Buffer): Promise<number> {
    return (await this.#handle.write(bytes)).bytesWritten;
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  async stat(): Promise<{ bytes: number; linked: boolean }> {
    const { size, nlink } = await this.#handle.stat();
    return { bytes: size, linked: nlink > 0 };
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The real file system. */
export class NodeStorage implements JournalStorage {
  readonly #owner: FileOwner;

  constructor(owner: FileOwner = OWNER_OF_PROCESS) {
    this.#owner = owner;
  }

  async createSegment(path: string): Promise<SegmentFile> {
    await makeFolder(dirname(path), this.#owner);
    const handle = await open(path, 'ax', FILE_MODE & ~UMASK_DEFAULT);
    try {
      await own(handle, this.#owner);
      await syncFolder(dirname(path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new NodeSegmentFile(handle);
  }

  async room(folder: string): Promise<DiskRoom> {
    try {
      const { bavail, bfree, bsize } = await statfs(folder);
      return { available: bavail * bsize, free: bfree * bsize };
    } catch (error) {
      const parent = dirname(folder);
      // Not every network mount answers; then only the next write can tell.
      return errnoName(error) === 'ENOENT' && parent !== folder
        ? this.room(parent)
        : { available: Infinity, free: Infinity };
    }
  }

  async reserve(path: string, bytes: number): Promise<void> {
    if (bytes === 0) return rm(path, { force: true });
    const handle = await open(path, 'a', FILE_MODE & ~UMASK_DEFAULT);
    try {
      await own(handle, this.#owner);
      const { size } = await handle.stat();
      if (size > bytes) await handle.truncate(bytes);
      if (size < bytes) await occupy(handle, size, bytes);
    } finally {
      await handle.close();
    }
  }
}

/** Written, not only promised: some file systems do not keep the promise of a fallocate. What does not fit is given back. */
async function occupy(handle: FileHandle, from: number, to: number): Promise<void> {
  const block = Buffer.alloc(Math.min(to - from, 64 * 1024), 0x20);
  try {
    for (let at = from; at < to;)
      at += (await handle.write(block, 0, Math.min(to - at, block.length))).bytesWritten;
    await handle.datasync();
  } catch (error) {
    await handle.truncate(from);
    throw error;
  }
}
