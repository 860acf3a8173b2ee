import { cpSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Place, runJson } from './cli.js';
import { plantManyFiles } from './many-files.js';

/** A place whose data directory each test finds as one scan left it. */
export class ScannedPlace extends Place {
  readonly #scanned = join(this.root, 'scanned');
  #scan = '';

  /** The scan's id, once it is made. */
  get scan(): string {
    return this.#scan;
  }

  /** Plants a few files and scans them. Call it before all tests. */
  async make(...options: string[]): Promise<void> {
    mkdirSync(this.tree);
    plantManyFiles(this.tree, 3, 10);
    this.#scan = String((await runJson(this.scanArgs(...options), 0))['scan']);
    renameSync(this.dataDir, this.#scanned);
  }

  /** Puts the data directory there. Call it before each test, and `removeData` after it. */
  restore(): void {
    cpSync(this.#scanned, this.dataDir, { recursive: true });
  }
}
