import type { EventData, ListedDirectory, PathText } from '../journal/events/index.js';
import { isIndexed, rowTotals, type IndexedBatch } from '../journal/indexed-batch.js';
import type { FactTables } from './catalog-facts.js';
import { BulkInsert, type FileRow } from './bulk-insert.js';
import type { Db, Statement } from './database.js';
import { nextState, type DirectoryState } from './directory-state.js';
import { DirectoryTable, type ListingSource } from './directory-table.js';
import { columnsOf, fileRow, type Columns } from './file-row.js';
import { RowPacker } from './pack-rows.js';
import { OwnListedDirectories, type ListedDirectories } from './listed-directories.js';
import { PackedInsert } from './packed-insert.js';
import { childPath, directoryKey, type DirectoryKey } from './path-column.js';
import { plainSums, type PlainSums } from './plain-directories.js';
import { StagedBatch } from './record-block.js';
import type { Removal } from './removal.js';
import type { StagedRange } from './row-image.js';
import { StagedRows } from './staged-rows.js';

/** Of the scan whose records are applied. The three sums are written with the checkpoint. */
export interface ScanContext {
  scan: string;
  mountName: string | null;
  mount: DirectoryKey | null;
  files: number;
  directories: number;
  bytes: bigint;
  /** Whether another file system stands at the mount's path than when files were last found there. */
  isElsewhere: () => boolean;
}

type Batch = EventData<'files.batch'>;

/** One `files.batch` as rows of `files`, `directories`, `scanned_dirs` and `problems`. */
export class FilesTables {
  readonly #directories: DirectoryTable;
  readonly #removal: Removal;
  readonly #facts: FactTables;
  readonly #bulk: BulkInsert;
  readonly #packed: PackedInsert;
  readonly #packer = new RowPacker();
  readonly #staged: StagedRows;
  readonly #own: OwnListedDirectories;
  readonly #insertRawFile: Statement;
  readonly #insertProblem: Statement;
  readonly #clearProblems: Statement<[string, string]>;
  readonly #insertName: Statement<[string, string]>;
  readonly #hasName: Statement<[string, string], number>;
  readonly #clearNames: Statement<[string]>;

  constructor(database: Db, removal: Removal, facts: FactTables) {
    this.#directories = new DirectoryTable(database);
    this.#removal = removal;
    this.#facts = facts;
    const columns = 'path, size, mtime, checksum, mount_point, file_type, extension, scan_time';
    this.#bulk = new BulkInsert(database);
    this.#packed = new PackedInsert(database);
    this.#staged = new StagedRows(database);
    this.#own = new OwnListedDirectories(database);
    this.#insertRawFile = database.prepare(
      `INSERT OR REPLACE INTO files (${columns}, path_raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertProblem = database.prepare('INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#clearProblems = database.prepare('DELETE FROM problems WHERE scan = ? AND directory = ?');
    this.#insertName = database.prepare('INSERT OR IGNORE INTO listed_names VALUES (?, ?)');
    this.#hasName = database
      .prepare<[string, string], number>('SELECT 1 FROM listed_names WHERE directory = ? AND path = ?')
      .pluck();
    this.#clearNames = database.prepare('DELETE FROM listed_names WHERE directory = ?');
  }

  apply(batch: Batch, context: ScanContext, atSeconds: number): void {
    const { chunk, attempt } = batch;
    const source = { mountName: context.mountName, scan: context.scan, chunk, attempt, atSeconds };
    if (isIndexed(batch) && this.#applyPlain(batch, context, source)) return;
    const columns = columnsOf(batch.columns);
    const entries = batch.directories.map((entry): ReadEntry => {
      const { files, bytes } = rowTotals(entry, columns.size);
      return { key: directoryKey(entry.path), entry, files, bytes };
    });
    this.#insertRows(batch, entries, columns, context, atSeconds);
    for (const each of entries) this.#directory(each, columns, context, source);
  }

  /** A record of plain directories that this scan has not met before, as nearly all are: a few statements for them all. */
  #applyPlain(batch: IndexedBatch, context: ScanContext, source: ListingSource): boolean {
    const plain = this.#plainOf(batch);
    if (plain === null) return false;
    const { table, range, sums } = plain;
    if (!table.areCalm(range, context.scan, context.mount?.text ?? null)) return false;
    this.#insertPlainRows(batch, source.mountName, source.atSeconds);
    for (const at of table.doubtful(range, source.atSeconds)) this.#removeMissing(batch, at);
    table.put(range, source);
    context.files += sums.files;
    context.bytes += BigInt(sums.bytes);
    context.directories += range.to - range.from + 1;
    return true;
  }

  #plainOf(batch: IndexedBatch): { table: ListedDirectories; range: StagedRange; sums: PlainSums } | null {
    if (batch instanceof StagedBatch) {
      const { directories } = batch.staged;
      return directories && { table: this.#staged.directories, range: directories, sums: directories };
    }
    const sums = plainSums(batch);
    return sums && { table: this.#own, range: this.#own.fill(batch), sums };
  }

  #removeMissing(batch: IndexedBatch, at: number): void {
    const directory = batch.directories[at];
    if (directory === undefined) return;
    const key = directoryKey(directory.path);
    const listed = new Set(pathsIn(key, directory, columnsOf(batch.columns)));
    this.#removal.missingFiles(key, (path) => listed.has(path));
  }

  #directory(
    { key, entry, files, bytes }: ReadEntry,
    columns: Columns,
    context: ScanContext,
    source: ListingSource,
  ): void {
    const { atSeconds } = source;
    const before = this.#directories.get(key.text);
    const state = nextState(before, entry, source);
    // A new attempt's word replaces the former one's.
    if (entry.part === 1 && before?.scan === context.scan) this.#clearProblems.run(context.scan, key.text);
    const paths = (): string[] => pathsIn(key, entry, columns);
    const listed = this.#gatherer(key, entry, { state, files, atSeconds });
    if (listed !== null) for (const path of paths()) listed.add(path);
    if (state.tracked || state.part === 0) this.#facts.forget(key, paths);
    this.#facts.add(key, entry, columns.name, context.scan);
    this.#problems(key, entry, context.scan, atSeconds, listed);
    state.partFiles += files;
    state.partBytes += BigInt(bytes);
    if (!isOwnProblem(entry, 'ENOENT')) state.seenScan = context.scan;
    if (entry.last && state.part === entry.part) {
      if (isAway(key, entry, context)) context.directories += 1;
      else this.#complete(key, entry, state, context, atSeconds, listed);
    }
    this.#directories.put(key, state, context.mountName);
  }

  /**
   * Collects the paths of a listing where something could be missing from it: in memory, or in the catalog when it has
   * parts. Its rows are in `files` already.
   */
  #gatherer(
    key: DirectoryKey,
    entry: ListedDirectory,
    { state, files, atSeconds }: { state: DirectoryState; files: number; atSeconds: number },
  ): Gatherer | null {
    if (!state.tracked || state.part === 0) return null;
    if (entry.part === 1 && entry.last)
      return this.#removal.holdsOnly(key, files, atSeconds) ? null : new Set<string>();
    if (entry.part === 1) this.#clearNames.run(key.text);
    return {
      add: (path) => this.#insertName.run(key.text, path),
      has: (path) => this.#hasName.get(key.text, path) !== undefined,
    };
  }

  /** All rows of a record: those that can be taken as they stand, then the others, the few that are not UTF-8 one by one. */
  #insertRows(
    batch: Batch,
    entries: readonly ReadEntry[],
    columns: Columns,
    context: ScanContext,
    atSeconds: number,
  ): void {
    const indexed = isIndexed(batch) ? batch : null;
    if (indexed !== null) this.#insertPlainRows(indexed, context.mountName, atSeconds);
    const rows: FileRow[] = [];
    entries.forEach(({ key, entry }, i) => {
      for (const cells of indexed?.ranges[i]?.odd ?? entry.rows) {
        const { row, raw } = fileRow(key, cells, columns);
        if (raw === null) rows.push(row);
        else this.#insertRaw(row, raw, context, atSeconds);
      }
    });
    this.#bulk.files(rows, context.mountName, atSeconds);
  }

  /** Those that can be taken as they stand. */
  #insertPlainRows(batch: IndexedBatch, mountName: string | null, atSeconds: number): void {
    if (batch instanceof StagedBatch) this.#staged.files(batch.staged.rows, mountName, atSeconds);
    else for (const packed of this.#packer.pack(batch)) this.#packed.files(packed, mountName, atSeconds);
  }

  #insertRaw(row: FileRow, raw: Buffer, { mountName }: ScanContext, atSeconds: number): void {
    const [path, size, mtime, checksum, type, extension] = row;
    this.#insertRawFile.run(path, size, mtime, checksum, mountName, type, extension, atSeconds, raw);
  }

  #problems(
    key: DirectoryKey,
    entry: ListedDirectory,
    scan: string,
    atSeconds: number,
    listed: Gatherer | null,
  ): void {
    for (const { name, operation, code } of entry.problems) {
      const path = name === '' ? key : childPath(key, name);
      // It is there, though it could not be looked at.
      if (path !== key) listed?.add(path.text);
      this.#insertProblem.run(scan, key.text, path.text, operation, code, path.raw, atSeconds);
    }
  }

  #complete(
    key: DirectoryKey,
    entry: ListedDirectory,
    state: DirectoryState,
    context: ScanContext,
    atSeconds: number,
    listed: Gatherer | null,
  ): void {
    if (listed !== null) {
      this.#removal.missingFiles(key, (path) => listed.has(path));
      if (entry.part > 1) this.#clearNames.run(key.text);
    }
    // Totals take each directory's last complete listing once.
    const again = state.listedScan === context.scan;
    context.files += state.partFiles - (again ? state.files : 0);
    context.bytes += state.partBytes - (again ? state.bytes : 0n);
    context.directories += again ? 0 : 1;
    state.listedScan = context.scan;
    state.listedAt = atSeconds;
    state.files = state.partFiles;
    state.bytes = state.partBytes;
    state.entries = entry.entries ?? null;
    state.subdirectories = entry.subdirectories ?? null;
    state.others = entry.others ?? null;
    state.excluded = entry.excluded ?? null;
    state.tracked = false;
    this.#directories.markScanned(key, context.mountName, atSeconds);
  }
}

/** An empty mount on another file system than before is a share that is not mounted: it proves nothing gone. */
function isAway(key: DirectoryKey, entry: ListedDirectory, context: ScanContext): boolean {
  return entry.entries === 0 && key.text === context.mount?.text && context.isElsewhere();
}

interface ReadEntry {
  key: DirectoryKey;
  entry: ListedDirectory;
  /** Number of its rows, and the sum of their sizes. */
  files: number;
  bytes: number | bigint;
}

/** Paths of the files of an entry, as the catalog shows them. */
function pathsIn(key: DirectoryKey, { rows }: ListedDirectory, { name }: Columns): string[] {
  return rows.map((row) => childPath(key, row[name] as PathText).text);
}

interface Gatherer {
  add(path: string): unknown;
  has(path: string): boolean;
}

/** Whether the directory itself could not be read, for this reason. */
function isOwnProblem(entry: ListedDirectory, code: string): boolean {
  return entry.problems.some((problem) => problem.name === '' && problem.code === code);
}
