import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRY, oneObject, Place, runJson, Running, until } from '../support/cli.js';

const place = new Place();
beforeAll(() => {
  mkdirSync(place.tree);
  writeFileSync(join(place.tree, 'file'), 'content');
});
afterAll(() => {
  place.remove();
});

/** Runs the program with readers that go away before its first word. */
async function runUnheard(args: readonly string[], ...deafTo: ('stdout' | 'stderr')[]) {
  const running = new Running(args);
  for (const name of deafTo) running.child[name]?.destroy();
  const { code, stderr } = await running.ended;
  return { code, stderr };
}

describe('output that nobody takes', () => {
  test('a scan goes on when the readers of its lines go away', async () => {
    const { code } = await runUnheard(place.scanArgs(), 'stdout', 'stderr');
    expect(code).toBe(0);
    const { scans } = await runJson(place.args('scans'), 0);
    expect(scans).toMatchObject([{ outcome: 'complete', files: 1 }]);
  });

  test.each(['stats', 'scans', 'verify', 'status', 'diagnose'])('%s ends in silence', async (command) => {
    expect(await runUnheard(place.args(command), 'stdout')).toEqual({ code: 0, stderr: '' });
  });

  test('the same of help', async () => {
    expect(await runUnheard(['scan', '--help'], 'stdout')).toEqual({ code: 0, stderr: '' });
  });

  test('a place that is full is one clear line and exit code 1', async () => {
    const full = openSync('/dev/full', 'w');
    const args = [ENTRY, ...place.args('stats', '--json')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nas-scanner: the output cannot be written: ENOSPC.*\n$/);
  });
});

test('a scan stopped twice leaves one object', async () => {
  mkdirSync(join(place.root, 'big'));
  for (let i = 0; i < 300; i += 1) mkdirSync(join(place.root, 'big', String(i)));
  const data = join(place.root, 'twice');
  const args = ['scan', join(place.root, 'big'), 'Big', '--data-dir', data, '--engine', 'process', '--json'];
  const scan = new Running(args);
  await until('the first worker', () => scan.stderr.includes('requested for chunk'));
  for (let i = 0; i < 2; i += 1) process.kill(scan.pid, 'SIGINT');
  const { code, stdout } = await scan.ended;
  expect(code).toBe(130);
  oneObject(stdout);
});
