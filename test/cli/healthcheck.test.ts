import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const PROGRAM = resolve(import.meta.dirname, '../../dist/cli/healthcheck.js');
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-scanner-health-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

function check(...words: string[]): number | null {
  const line = ['tini', 'node', 'container.js', ...words, '--data-dir', dataDir];
  return spawnSync(process.execPath, [PROGRAM, ...line]).status;
}

/** A segment last written so many seconds ago. */
function written(writer: string, secondsAgo: number): void {
  const folder = join(dataDir, 'journal', SCAN, writer);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `0001-000${readdirSync(folder).length + 1}.ndjson`);
  writeFileSync(path, 'x');
  utimesSync(path, Date.now() / 1000 - secondsAgo, Date.now() / 1000 - secondsAgo);
}

test('a scan that has just begun is healthy, and so is whatever is no scan', () => {
  expect(check('scan', '/mnt', 'Mount')).toBe(0);
  written('coordinator', 1e6);
  expect(check('monitor')).toBe(0);
});

test('a scan is healthy while one of its writers writes within a few health intervals', () => {
  written('coordinator', 100_000);
  written('coordinator', 5000);
  expect(check('scan', '/mnt', 'Mount')).toBe(1);
  expect(check('scan', '/mnt', 'Mount', '--health-interval=3600')).toBe(0);
  written('worker-0001', 30);
  expect(check('scan', '/mnt', 'Mount')).toBe(0);
});
