import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Place, runJson, type Outcome } from './cli.js';
import { plantManyFiles } from './many-files.js';
import { catalogDigest, checkJournal, listByCatalog, listByFind, readRecords } from './outside.js';

/** A place to scan in, whose catalog meets trouble; removes what was started and mounted for it. */
export class TroubledPlace extends Place {
  readonly #helpers: ChildProcess[] = [];
  readonly #mounted: string[] = [];

  constructor(folders: number, filesEach: number) {
    super();
    mkdirSync(this.tree);
    mkdirSync(this.dataDir);
    plantManyFiles(this.tree, folders, filesEach);
  }

  quickScan(...more: string[]): string[] {
    return this.scanArgs('--checksum', 'none', '--json', ...more);
  }

  /** What the coordinator of the newest scan journaled about the catalog, in order: its mode, each trouble's code. */
  told(): string[] {
    if (!existsSync(this.journal)) return [];
    const scan = this.scans().at(-1) ?? '';
    return readRecords(this.journal, scan)
      .filter(({ type }) => type.startsWith('catalog.'))
      .map(({ type, data }) =>
        [type.slice('catalog.'.length), data['mode'] ?? data['code']].filter(Boolean).join(' '),
      );
  }

  /** A data directory on a small disk of its own, with the journal on another one. */
  onSmallDisk(): void {
    const journal = join(this.root, 'elsewhere');
    mkdirSync(journal);
    this.#mount(this.dataDir, '-t', 'tmpfs', '-o', 'size=72m', 'none');
    this.#mount(this.journal, '--bind', journal);
  }

  #mount(target: string, ...args: string[]): void {
    mkdirSync(target, { recursive: true });
    const done = spawnSync('mount', [...args, target], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
    this.#mounted.push(target);
  }

  /** A plain `sqlite3` that began something with the catalog and does not let go until its input ends. */
  async hold(sql: string, ...options: string[]): Promise<ChildProcess> {
    const holder = this.start('sqlite3', [...options, this.catalog]);
    holder.stdin?.write(sql);
    if (holder.stdout !== null) await once(holder.stdout, 'data');
    return holder;
  }

  start(command: string, args: string[]): ChildProcess {
    const helper = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#helpers.push(helper);
    return helper;
  }

  /** The scan came to its end, its catalog is that of `find`, and a replay finds nothing to change. */
  async expectWhole({ code, stdout, stderr }: Outcome): Promise<void> {
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'complete', problems: 0 });
    expect(checkJournal(this.journal).faults).toEqual([]);
    expect(listByCatalog(this.catalog)).toEqual(listByFind(this.tree));
    const before = catalogDigest(this.catalog);
    await runJson(this.args('replay'), 0);
    expect(catalogDigest(this.catalog)).toBe(before);
  }

  override remove(): void {
    for (const helper of this.#helpers) helper.kill('SIGKILL');
    for (const path of this.#mounted.reverse()) spawnSync('umount', ['-l', path]);
    super.remove();
  }
}

/** The plain `sqlite3`, asked again and again from the catalog's first table on. */
export class ReaderLoop {
  readonly #loop: ChildProcess;
  #errors = '';
  reads = 0;

  constructor(place: TroubledPlace) {
    const query = 'SELECT count(*) FROM files; SELECT path FROM files ORDER BY path LIMIT 3;';
    const ask = `sqlite3 -readonly -cmd '.timeout 5000' "$0"`;
    const isThere = `[ "$(${ask} "SELECT count(*) FROM sqlite_schema WHERE name = 'files'" 2>/dev/null)" = 1 ]`;
    const script = `until ${isThere}; do sleep 0.02; done; while ${ask} "$1" >/dev/null; do echo read; sleep 0.02; done`;
    this.#loop = place.start('sh', ['-c', script, place.catalog, query]);
    this.#loop.stdout?.on('data', (text: Buffer) => (this.reads += text.toString().split('read').length - 1));
    this.#loop.stderr?.on('data', (text: Buffer) => (this.#errors += text.toString()));
  }

  /** Ends it. @returns what went wrong; empty: nothing */
  async stop(): Promise<string> {
    const failed = this.#loop.exitCode !== null;
    if (!failed) {
      this.#loop.kill('SIGTERM');
      await once(this.#loop, 'close');
    }
    return failed ? `a read failed: ${this.#errors}` : '';
  }
}

/** Fills a disk up to its last byte. @returns the file that does */
export function fillDisk(folder: string, name = 'ballast'): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  try {
    // A block that does not fit may be refused whole.
    for (const bytes of [1024 * 1024, 4096, 512]) writeUntilFull(file, Buffer.alloc(bytes, 1));
  } finally {
    closeSync(file);
  }
  return path;
}

function writeUntilFull(file: number, block: Buffer): void {
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Whether disks can be mounted for a test. */
export const canFill = process.getuid?.() === 0;
