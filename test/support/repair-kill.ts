import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js');
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const TORN = `${SCAN}/worker-0002/0001-0001.ndjson`;

/** Calls that repair changes anything by. */
export const REPAIR_CALLS = ['openat', 'write', 'fsync', 'fdatasync', 'rename', 'ftruncate', 'mkdir'];

/**
 * Repairs the golden journal in a data directory, killed before the n-th of a system call that touches it, then
 * again without. Says what is wrong then; null: nothing.
 */
export function repairKilledAt(dataDir: string, call: string, when: number): string | null {
  const journal = join(dataDir, 'journal');
  const tail = readFileSync(join(journal, TORN)).subarray(871);
  const scanDir = join(journal, SCAN);
  const quarantine = join(dataDir, 'quarantine', SCAN, 'worker-0002');
  const paths = [
    join(journal, TORN),
    scanDir,
    join(scanDir, 'coordinator'),
    join(scanDir, 'coordinator', '0002-0001.ndjson'),
    quarantine,
    join(quarantine, '0001-0001.ndjson.871-903.tmp'),
  ].flatMap((path) => ['-P', path]);
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${when}`];
  const command = [process.execPath, MAIN, 'repair', '--data-dir', dataDir];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  spawnSync('strace', ['-f', '-q', '-o', '/dev/null', ...paths, ...inject, ...command], { env });
  const kept = readdirSync(join(dataDir, 'journal', SCAN), { recursive: true, encoding: 'utf8' });
  if (!kept.includes('worker-0002/0001-0001.ndjson')) return 'the file is gone';
  const { status, stderr } = spawnSync(process.execPath, command.slice(1), { env });
  if (status !== 0) return `the second run failed: ${stderr.toString()}`;
  if (readFileSync(join(journal, TORN)).length !== 871) return 'the tail is still there';
  const copies = readdirSync(quarantine).filter((name) => !name.endsWith('.tmp'));
  if (!copies.some((name) => readFileSync(join(quarantine, name)).equals(tail)))
    return 'the copy is not there';
  const verified = spawnSync(process.execPath, [MAIN, 'verify', '--data-dir', dataDir, '--json'], { env });
  if (verified.status !== 0) return `the journal is not sound afterwards: ${verified.stdout.toString()}`;
  return null;
}
