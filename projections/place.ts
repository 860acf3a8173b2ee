import { readFileSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openDatabase, type Db } from './database.js';

/** How SQLite keeps a crash from hurting the catalog. WAL lets readers and the writer work at the same time. */
export type JournalMode = 'wal' | 'rollback';

export interface ModeChoice {
  mode: JournalMode;
  /** For people: why. */
  reason: string;
}

/** File systems (`statfs`) on which the shared memory or the locks that WAL needs cannot be trusted. */
const UNFIT = new Map<number, string>([
  [0x65735546, 'FUSE'], // also Unraid's shfs
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9p'],
  [0x0bd00bd0, 'Lustre'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
]);

/** For systems whose statfs does not tell. */
const UNFIT_TYPES = /^(fuse|nfs|cifs|smb|9p|lustre|ceph|afs|davfs|sshfs)/;

/** WAL where shared memory works, a rollback journal elsewhere. Makes and removes a small file beside the catalog. */
export function chooseJournalMode(catalog: string): ModeChoice {
  const directory = dirname(catalog);
  const unfit = UNFIT.get(statfsSync(directory).type) ?? unfitMount(directory);
  if (unfit !== null) return { mode: 'rollback', reason: `the file system is ${unfit}` };
  return probeWal(directory);
}

function unfitMount(directory: string): string | null {
  let lines: string[];
  try {
    lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  } catch {
    // Not Linux: the probe decides.
    return null;
  }
  let best = { point: '', type: '' };
  for (const line of lines) {
    const [before = '', after = ''] = line.split(' - ');
    const point = unescapeOctal(before.split(' ')[4] ?? '');
    const within = directory === point || directory.startsWith(point === '/' ? '/' : `${point}/`);
    if (within && point.length >= best.point.length) best = { point, type: after.split(' ')[0] ?? '' };
  }
  return UNFIT_TYPES.test(best.type) ? best.type : null;
}

/** mountinfo writes blanks and backslashes as `\ooo`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Two connections, one writes what the other reads: the way the catalog will be used. */
function probeWal(directory: string): ModeChoice {
  const path = join(directory, `.wal-probe-${process.pid}.db`);
  const open: Db[] = [];
  try {
    const writer = openDatabase(path);
    open.push(writer);
    if (writer.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
      return { mode: 'rollback', reason: 'SQLite refuses a write-ahead log here' };
    }
    writer.exec('CREATE TABLE probe (n); INSERT INTO probe VALUES (1)');
    const reader = openDatabase(path);
    open.push(reader);
    reader.prepare('SELECT n FROM probe').get();
    return { mode: 'wal', reason: 'shared memory works here' };
  } catch (error) {
    return { mode: 'rollback', reason: `a write-ahead log does not work here: ${(error as Error).message}` };
  } finally {
    for (const database of open) database.close();
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true });
  }
}
