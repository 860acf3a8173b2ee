import type { EventData, ListedDirectory, PathText } from '../journal/events/index.js';
import { checksumCell, exactInteger, mtimeSeconds } from './cells.js';
import type { Db, Statement } from './database.js';
import { DirectoryTable, type DirectoryState } from './directory-table.js';
import { extensionOf, fileTypeOf } from './file-types.js';
import { childPath, directoryKey, nameText, type DirectoryKey } from './path-column.js';
import type { Removal } from './removal.js';

/** Of the scan whose records are applied. The three sums are written with the checkpoint. */
export interface ScanContext {
  scan: string;
  mountName: string | null;
  mount: DirectoryKey | null;
  files: number;
  directories: number;
  bytes: bigint;
}

type Batch = EventData<'files.batch'>;

/** Where the cells of a row stand; -1 where a column is not there. */
interface Columns {
  name: number;
  size: number;
  mtimeNs: number;
  checksum: number;
}

/** One `files.batch` as rows of `files`, `directories`, `scanned_dirs` and `problems`. */
export class FilesTables {
  readonly #directories: DirectoryTable;
  readonly #removal: Removal;
  readonly #insertFile: Statement;
  readonly #insertRawFile: Statement;
  readonly #insertProblem: Statement;
  readonly #clearProblems: Statement<[string, string]>;
  readonly #insertName: Statement<[string, string]>;
  readonly #hasName: Statement<[string, string], number>;
  readonly #clearNames: Statement<[string]>;

  constructor(database: Db, removal: Removal) {
    this.#directories = new DirectoryTable(database);
    this.#removal = removal;
    const columns = 'path, size, mtime, checksum, mount_point, file_type, extension, scan_time';
    this.#insertFile = database.prepare(
      `INSERT OR REPLACE INTO files (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
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
    const columns = columnsOf(batch.columns);
    for (const entry of batch.directories) this.#directory(entry, batch, columns, context, atSeconds);
  }

  #directory(
    entry: ListedDirectory,
    batch: Batch,
    columns: Columns,
    context: ScanContext,
    atSeconds: number,
  ): void {
    const key = directoryKey(entry.path);
    const before = this.#directories.get(key.text);
    const state = nextState(before, entry, batch, context);
    // A new attempt's word replaces the former one's.
    if (entry.part === 1 && before?.scan === context.scan) this.#clearProblems.run(context.scan, key.text);
    const listed = this.#gatherer(key, entry, state);
    const bytes = this.#rows(key, entry.rows, columns, context.mountName, atSeconds, listed);
    this.#problems(key, entry, context.scan, atSeconds, listed);
    state.partFiles += entry.rows.length;
    state.partBytes += bytes;
    if (!isOwnProblem(entry, 'ENOENT')) state.seenScan = context.scan;
    if (entry.last && state.part === entry.part)
      this.#complete(key, entry, state, context, atSeconds, listed);
    this.#directories.put(key, state, context.mountName);
  }

  /** Collects the paths of a listing where something could be missing from it: in memory, or in the catalog when it has parts. */
  #gatherer(key: DirectoryKey, entry: ListedDirectory, state: DirectoryState): Gatherer | null {
    if (!state.tracked || state.part === 0) return null;
    if (entry.part === 1 && entry.last) return new Set<string>();
    if (entry.part === 1) this.#clearNames.run(key.text);
    return {
      add: (path) => this.#insertName.run(key.text, path),
      has: (path) => this.#hasName.get(key.text, path) !== undefined,
    };
  }

  #rows(
    key: DirectoryKey,
    rows: readonly (readonly unknown[])[],
    columns: Columns,
    mountName: string | null,
    atSeconds: number,
    listed: Gatherer | null,
  ): bigint {
    let small = 0;
    let large = 0n;
    for (const row of rows) {
      const name = row[columns.name] as PathText;
      const path = childPath(key, name);
      const extension = extensionOf(nameText(name));
      const size = exactInteger(row[columns.size]);
      if (typeof size === 'number' && size < SMALL_SIZE) small += size;
      else large += BigInt(size ?? 0);
      const mtime = mtimeSeconds(row[columns.mtimeNs]);
      const checksum = columns.checksum < 0 ? null : checksumCell(row[columns.checksum], size);
      const type = fileTypeOf(extension);
      listed?.add(path.text);
      if (path.raw === null) {
        this.#insertFile.run(path.text, size, mtime, checksum, mountName, type, extension, atSeconds);
      } else {
        const { text, raw } = path;
        this.#insertRawFile.run(text, size, mtime, checksum, mountName, type, extension, atSeconds, raw);
      }
    }
    return large + BigInt(small);
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

/** Sizes below are summed as doubles, exactly: a record has fewer than 2^16 rows. */
const SMALL_SIZE = 2 ** 37;

interface Gatherer {
  add(path: string): unknown;
  has(path: string): boolean;
}

function columnsOf(names: readonly string[]): Columns {
  return {
    name: names.indexOf('name'),
    size: names.indexOf('size'),
    mtimeNs: names.indexOf('mtimeNs'),
    checksum: names.indexOf('checksum'),
  };
}

/** Whether the directory itself could not be read, for this reason. */
function isOwnProblem(entry: ListedDirectory, code: string): boolean {
  return entry.problems.some((problem) => problem.name === '' && problem.code === code);
}

/**
 * Takes the next part of a listing. `part` counts those that are there without a gap, from 1, of one attempt; it is 0
 * while the listing has a hole, until an attempt begins anew.
 */
function nextState(
  before: DirectoryState | null,
  entry: ListedDirectory,
  batch: Batch,
  context: ScanContext,
): DirectoryState {
  const { chunk, attempt } = batch;
  const goesOn = before?.scan === context.scan && before.chunk === chunk && before.attempt === attempt;
  const state: DirectoryState = before ?? { ...NEVER_SEEN, scan: context.scan };
  if (entry.part === 1) {
    return Object.assign(state, {
      scan: context.scan,
      chunk,
      attempt,
      part: 1,
      tracked: before !== null,
      partFiles: 0,
      partBytes: 0n,
    });
  }
  const part = goesOn && state.part === entry.part - 1 ? entry.part : 0;
  return Object.assign(state, { scan: context.scan, chunk, attempt, part });
}

const NEVER_SEEN: Omit<DirectoryState, 'scan'> = {
  chunk: 0,
  attempt: 0,
  part: 0,
  tracked: false,
  partFiles: 0,
  partBytes: 0n,
  seenScan: null,
  listedScan: null,
  listedAt: null,
  files: 0,
  bytes: 0n,
  entries: null,
  subdirectories: null,
  others: null,
  excluded: null,
};
