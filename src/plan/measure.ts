import { lstat, readdir } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { compileExcludes, type Excluder } from '../walk/exclude.js';
import { kindOf } from '../walk/entries.js';
import { statKind } from '../walk/listing.js';
import { MountTable } from '../walk/mounts.js';
import { decodeName, joinPath, systemPath } from '../walk/names.js';
import { openPlace } from '../walk/place.js';
import { errnoName } from '../walk/system-error.js';

/** What to leave out while measuring: the same as the walk does. */
export interface MeasureOptions {
  mountPath: string;
  exclude: readonly string[];
  excludeDirectories: readonly string[];
  oneFileSystem: boolean;
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
      const directory = this.#options.oneFileSystem ? await lstat(systemPath(place.path), BIGINT) : null;
      const entries = await readdir(systemPath(place.path), { withFileTypes: true, encoding: 'buffer' });
      if (!onProgress()) return measured;
      for (const entry of entries) {
        const kind = kindOf(entry);
        const name = decodeName(entry.name);
        if (kind === 'other' || this.#excluder?.(name, joinPath(path, name)) === true) continue;
        const reached = systemPath(joinPath(place.path, name));
        if (kind === 'directory') {
          if (directory === null || (await this.#isWithin(directory, joinPath(path, name), reached)))
            measured.subdirectories.push(name);
        } else if (namesOnly) continue;
        else await addFile(measured, reached);
        if (!onProgress()) break;
      }
    } finally {
      place.close();
    }
    return measured;
  }

  async #isWithin(parent: BigIntStats, path: string, reached: string | Buffer): Promise<boolean> {
    if (this.#mounts.typeAt(path) !== undefined) return false;
    const stat = await statOrNull(reached);
    return stat === null || stat.dev === parent.dev;
  }
}

const BIGINT = { bigint: true } as const;

async function statOrNull(path: string | Buffer): Promise<BigIntStats | null> {
  try {
    return await lstat(path, BIGINT);
  } catch (error) {
    errnoName(error); // the walk meets it again and records it
    return null;
  }
}

async function addFile(measured: Measured, path: string | Buffer): Promise<void> {
  const stat = await statOrNull(path);
  if (stat === null || statKind(stat) !== 'file') return;
  measured.files += 1;
  measured.bytes += Number(stat.size);
}
