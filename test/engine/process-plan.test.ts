import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Launch } from '../../src/engine/port.js';
import { ProcessEngine } from '../../src/engine/process.js';
import { canMount } from '../support/journal-faults.js';

const SHOWN_CHARS = 1000;
let folder: string;
let program: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nas-scanner-process-'));
  program = join(folder, 'worker.mjs');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function launch(taskFile: string): Launch {
  return {
    scan: '01KARA41R028T5CY4GNF6YY4HM',
    chunk: 1,
    attempt: 1,
    writer: 'worker-0001',
    writerDir: folder,
    taskFile,
    mountPath: '/mnt',
    limits: { cpus: null, memoryBytes: null },
  };
}

test('the line that a person can paste is one line, and says the task file byte for byte', () => {
  writeFileSync(program, 'process.stdout.write(JSON.stringify(process.argv.slice(2)));');
  const taskFile = `${folder}/it's a\ttab,\nand a line\u001b[2J/task-1.json`;
  const { command } = new ProcessEngine(program).plan(launch(taskFile));
  // eslint-disable-next-line no-control-regex -- none of them may be in it
  expect(command).not.toMatch(/[\u0000-\u001f]/);
  const { stdout } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual(['worker', '--task', taskFile]);
});

test('a line of its log that is too long for the journal is cut, and that shows', async () => {
  writeFileSync(program, `process.stdout.write('x'.repeat(100_000) + '\\n' + 'the last word\\n');`);
  const engine = new ProcessEngine(program);
  const started = launch(join(folder, 'task-1.json'));
  const { id } = await engine.start(started, engine.plan(started), 30_000);
  const phase = async (): Promise<string | undefined> =>
    (await engine.list()).find((each) => each.id === id)?.phase;
  while ((await phase()) === 'running') await sleep(20);
  const { logTail } = await engine.exitOf(id);
  expect(logTail).toEqual([`${'x'.repeat(SHOWN_CHARS)}…`, 'the last word']);
  await engine.close();
});

test.skipIf(!canMount)(
  'what a worker occupies is told in bytes, whatever size the pages of the kernel have',
  async () => {
    writeFileSync(program, 'setInterval(() => {}, 1000); console.log("ready");');
    const engine = new ProcessEngine(program);
    const started = launch(join(folder, 'task-1.json'));
    const { id } = await engine.start(started, engine.plan(started), 30_000);
    while ((await engine.logTail(id)).length === 0) await sleep(20);
    const [stat, forged] = [`/proc/${id}/stat`, join(folder, 'stat')];
    // As a kernel with pages of 64 KiB tells it: the 24th field is the number of pages.
    const fields = readFileSync(stat, 'utf8').split(' ');
    writeFileSync(forged, fields.with(23, String(Math.floor(Number(fields[23]) / 16))).join(' '));
    expect(spawnSync('mount', ['--bind', forged, stat]).status).toBe(0);
    try {
      const { memoryBytes } = await engine.usage(id);
      expect(memoryBytes).toBeGreaterThan(20 * 2 ** 20); // no Node takes less
    } finally {
      spawnSync('umount', [stat]);
      await engine.signal(id, 'SIGKILL');
      await engine.close();
    }
  },
);
