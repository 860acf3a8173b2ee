import { JournalOnDisk } from '../projections/support/journal-on-disk.js';

interface MadeUpScan {
  scan: string;
  mountPath: string;
  directories: number;
  /** Files in each of them, and the length of their names. */
  filesEach: number;
  nameLength: number;
}

/** Directories to a record at most. */
const RECORD_DIRECTORIES = 100;
const RECORD_ROWS = 200;

/** Writes a scan by one worker into a journal: much, fast, and without a tree to look at. */
export function writeScan(journalDir: string, made: MadeUpScan): void {
  const { scan, mountPath, directories, filesEach, nameLength } = made;
  const journal = new JournalOnDisk(journalDir);
  const tell = (writer: string, type: string, data: object): void => {
    journal.append({ scan, writer, type, data });
  };
  const host = { hostname: 'h', bootId: 'b', cpus: 1, memoryBytes: 1 };
  tell('coordinator', 'scan.started', {
    mountPath,
    mountName: 'MadeUp',
    engine: 'process',
    options: {},
    host,
  });
  const listed = (path: string, rows: unknown[], subdirectories: number): object => {
    const entries = rows.length + subdirectories;
    return { path, part: 1, last: true, rows, problems: [], entries, subdirectories, others: 0, excluded: 0 };
  };
  const columns = ['name', 'size', 'mtimeNs'];
  const batch = (some: object[]): void => {
    tell('worker-0001', 'files.batch', { chunk: 1, attempt: 1, columns, directories: some });
  };
  batch([listed(mountPath, [], directories)]);
  const perRecord = Math.max(
    1,
    Math.min(RECORD_DIRECTORIES, Math.floor(RECORD_ROWS / Math.max(1, filesEach))),
  );
  let some: object[] = [];
  for (let i = 0; i < directories; i += 1) {
    const rows = Array.from({ length: filesEach }, (_, f) => [
      `${f}-`.padEnd(nameLength, 'n'),
      f,
      '1700000000000000000',
    ]);
    some.push(listed(`${mountPath}/d${String(i).padStart(7, '0')}`, rows, 0));
    if (some.length < perRecord && i < directories - 1) continue;
    batch(some);
    some = [];
  }
  tell('worker-0001', 'seal', {});
  const files = directories * filesEach;
  const chunks = { planned: 1, completed: 1, failed: 0 };
  const totals = { files, directories: directories + 1, bytes: 0, problems: 0, chunks };
  tell('coordinator', 'scan.completed', { outcome: 'complete', ...totals });
  tell('coordinator', 'seal', {});
}
