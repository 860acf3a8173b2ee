import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newScanId, timeOfId } from '../../journal/ids.js';

let journal: string;
beforeEach(() => {
  journal = mkdtempSync(join(tmpdir(), 'nas-scanner-ids-'));
});
afterEach(() => {
  rmSync(journal, { recursive: true });
});

const NOW_MS = Date.parse('2026-03-01T10:00:00.000Z');

test('the id of the first scan tells its time', async () => {
  expect(timeOfId(await newScanId(journal, NOW_MS))).toBe(NOW_MS);
});

test('a scan after the clock was set back still comes after the one before it', async () => {
  const first = await newScanId(journal, NOW_MS);
  mkdirSync(join(journal, first));
  const second = await newScanId(journal, NOW_MS - 3_600_000);
  expect(second > first).toBe(true);
  mkdirSync(join(journal, second));
  expect((await newScanId(journal, NOW_MS)) > second).toBe(true);
});
