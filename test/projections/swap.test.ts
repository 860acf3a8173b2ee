import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readStats } from '../../projections/stats.js';
import { ENTRY } from '../support/cli.js';
import { hasStrace, inCi } from '../support/journal-faults.js';

const GOLDEN = join(import.meta.dirname, '..', 'fixtures', 'golden-journal');

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-scanner-swap-'));
  cpSync(GOLDEN, dataDir, { recursive: true });
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

/** `replay` on a file system that answers like that when its data directory is to be synced. */
function replayWhere(answer: string): { code: number | null; stderr: string } {
  const traced = ['-f', '-q', '-o', '/dev/null', '-P', dataDir, '-e', 'trace=fsync'];
  const command = [process.execPath, ENTRY, 'replay', '--data-dir', dataDir];
  const done = spawnSync('strace', [...traced, '-e', `inject=fsync:error=${answer}`, ...command], {
    encoding: 'utf8',
  });
  return { code: done.status, stderr: done.stderr };
}

describe.skipIf(!hasStrace && !inCi)('the folder of a new catalog (skipped without strace)', () => {
  test.each(['EINVAL', 'EOPNOTSUPP', 'ENOSYS'])('need not be one that can be synced: %s', (answer) => {
    expect(replayWhere(answer)).toMatchObject({ code: 0 });
    expect(readStats(join(dataDir, 'smart_catalog.db')).files).toBeGreaterThan(0n);
    expect(readdirSync(dataDir).filter((name) => name.includes('.building'))).toEqual([]);
  });

  test('is synced where it can be, and what the disk says then is said', () => {
    const { code, stderr } = replayWhere('EIO');
    expect(code).toBe(1);
    expect(stderr).toContain('EIO');
  });
});
