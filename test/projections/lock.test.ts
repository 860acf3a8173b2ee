import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownPath } from '../../journal/owner.js';
import { isDataDirLocked, lockDataDir } from '../../projections/lock.js';
import { LOCK_FILE } from '../../projections/lock-file.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-lock-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const HOLDER = `
const { lockDataDir } = await import(process.argv[1]);
lockDataDir(process.argv[2]);
process.send('held');
setInterval(() => {}, 1000);
`;

function holder(): ReturnType<typeof fork> {
  const built = new URL('../../dist/projections/lock.js', import.meta.url).href;
  return fork('-', [], {
    execArgv: ['--input-type=module', '-e', HOLDER, built, dataDir],
    execPath: process.execPath,
  });
}

test('the lock is taken once, given back, and leaves no journal file behind', () => {
  const lock = lockDataDir(dataDir);
  expect(() => lockDataDir(dataDir)).toThrow(expect.objectContaining({ code: 'locked' }));
  lock.release();
  lockDataDir(dataDir).release();
  expect(readdirSync(dataDir)).toEqual([LOCK_FILE]);
});

test('a directory that is missing is unwritable, not locked', () => {
  expect(() => lockDataDir(join(dataDir, 'none'))).toThrow(
    expect.objectContaining({ code: 'data-dir-unwritable' }),
  );
  expect(isDataDirLocked(join(dataDir, 'none'))).toBe(false);
});

test('the kernel releases it when its owner is killed', async () => {
  const child = holder();
  await once(child, 'message');
  expect(isDataDirLocked(dataDir)).toBe(true);
  expect(() => lockDataDir(dataDir)).toThrow(expect.objectContaining({ code: 'locked' }));
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isDataDirLocked(dataDir)).toBe(false);
  lockDataDir(dataDir).release();
});

test('handing the file to an owner keeps the lock', async () => {
  const lock = lockDataDir(dataDir);
  await ownPath(join(dataDir, LOCK_FILE), { uid: process.getuid?.() ?? 0, gid: null, umask: null });
  const built = new URL('../../dist/projections/lock.js', import.meta.url).href;
  const look = `import { isDataDirLocked } from ${JSON.stringify(built)}; console.log(isDataDirLocked(process.argv[1]))`;
  const args = ['--input-type=module', '-e', look, dataDir];
  expect(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout).toBe('true\n');
  lock.release();
});
