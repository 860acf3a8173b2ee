import { lstat, opendir, readdir, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { compileExcludes, type Excluder } from '../walk/exclude.js';
import { kindOf, STREAM_ENTRIES, STREAMED_BYTES_MIN } from '../walk/entries.js';
import { statKind } from '../walk/listing.js';
import { MountTable } from '../walk/mounts.js';
import { decodeName, joinPath, systemPath } from '../walk/names.js';
import { openPlace } from '../walk/place.js';
import { expectSystemError } from '../walk/system-error.js';

/** What to leave out while measuring: the same as the walk does. */
export interface MeasureOptions {
  mountPath: string;
  exclude: readonly string[];
  excludeDirectories: readonly string[];
  oneFileSystem: boolean;
}

/** A directory entry whose name is bytes. */
interface RawEntry {
  name: Buffer;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** One directory without what lies in its subdirectories. */
export interface Measured {
  files: number;
  bytes: number;
  /** Names, as in walk/names.ts. */
  subdirectories: string[];
}

/** Measures single directories; what cannot be read in one counts as nothing, except the directory itself. */
export class Measurer {
  readonly #options: MeasureOptions;
  readonly #excluder: Excluder | null;
  readonly #mounts = MountTable.read();

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#excluder = compileExcludes(options.mountPath, options.exclude, options.excludeDirectories);
  }

  /**
   * @param namesOnly its subdirectories alone are wanted
   * @param onProgress called after each operation; when it returns false the rest is left
   * @throws the system's error when the directory cannot be listed
   */
  async measure(path: string, namesOnly: boolean, onProgress: () => boolean): Promise<Measured> {
    const measured: Measured = { files: 0, bytes: 0, subdirectories: [] };
    const place = openPlace(path);
    try {
      const directory = await stat(systemPath(place.path), BIGINT);
      for await (const entries of this.#entries(place.path, directory.size >= STREAMED_BYTES_MIN)) {
        if (!onProgress()) break;
        for (const entry of entries) {
          const kind = kindOf(entry);
          const name = decodeName(entry.name);
          if (kind === 'other' || (namesOnly && kind === 'file')) continue;
          if (this.#excluder?.(name, joinPath(path, name)) === true) continue;
          const reached = systemPath(joinPath(place.path, name));
          if (kind !== 'directory') await addFile(measured, reached);
          else if (await this.#isWithin(directory, joinPath(path, name), reached))
            measured.subdirectories.push(name);
          else continue;
          if (!onProgress()) return measured;
        }
      }
    } finally {
      place.close();
    }
    return measured;
  }

  /** One that may hold very much is read piece by piece: each entry is an object of its own in Node. */
  async *#entries(path: string, big: boolean): AsyncGenerator<RawEntry[]> {
    if (!big) {
      yield await readdir(systemPath(path), { withFileTypes: true, encoding: 'buffer' });
      return;
    }
    // The types of Node know text only; with this encoding names are buffers.
    const encoding = 'buffer' as BufferEncoding;
    const directory = await opendir(systemPath(path), { encoding, bufferSize: STREAM_ENTRIES });
    let piece: RawEntry[] = [];
    for await (const entry of directory) {
      piece.push(entry as unknown as RawEntry);
      if (piece.length < STREAM_ENTRIES) continue;
      yield piece;
      piece = [];
    }
    yield piece;
  }

  async #isWithin(parent: BigIntStats, path: string, reached: string | Buffer): Promise<boolean> {
    if (!this.#options.oneFileSystem) return true;
    if (this.#mounts.typeAt(path) !== undefined) return false;
    const found = await statOrNull(reached);
    return found === null || found.dev === parent.dev;
  }
}

const BIGINT = { bigint: true } as const;

async function statOrNull(path: string | Buffer): Promise<BigIntStats | null> {
  try {
    return await lstat(path, BIGINT);
  } catch (error) {
    expectSystemError(error); // the walk meets it again and records it
    return null;
  }
}

async function addFile(measured: Measured, path: string | Buffer): Promise<void> {
  const file = await statOrNull(path);
  if (file === null || statKind(file) !== 'file') return;
  measured.files += 1;
  measured.bytes += Number(file.size);
}
