import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadScan } from '../../../projections/diagnosis/load.js';
import { MOUNT, ScanStory } from '../../support/craft-scan.js';

let journalDir: string;
beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'nas-scanner-asked-again-'));
});
afterEach(() => {
  rmSync(journalDir, { recursive: true, force: true });
});

/** More than a finding keeps as evidence. */
const TIMES = 8;
const HEALTH = {
  responsive: true,
  cpuPercent: null,
  memoryBytes: null,
  memoryLimitBytes: null,
  filesRecorded: 0,
  secondsSinceProgress: 0,
  mountAccessible: false,
  journalFreeBytes: 1_000_000,
};

/** `diagnose` makes a report of the journal alone first, and another one with what it sees around it. */
test('a report that is asked for twice says the same twice', async () => {
  const story = new ScanStory(journalDir).plan(1).start(1);
  for (let round = 0; round < TIMES; round += 1)
    story.coordinator.append('health.checked', { chunk: 1, attempt: 1, ...HEALTH });
  const worker = story.scan.writer('worker-0001').open({ coordinator: story.coordinator.reference() });
  const directories = Array.from({ length: TIMES }, (_, i) => ({
    path: `${MOUNT}/dir-${i}`,
    part: 1,
    last: false,
    rows: [],
    problems: [{ name: '', operation: 'lstat', code: 'ENOTCONN' }],
  }));
  worker.append('files.batch', { chunk: 1, attempt: 1, columns: ['name', 'size', 'mtimeNs'], directories });
  const { fold, report } = await loadScan(journalDir, { scan: story.scan.id, dataDir: null });

  const first = fold.finish(report);
  const second = fold.finish(report);

  expect(first.findings.map(({ code }) => code)).toContain('mount.lost');
  expect(second).toEqual(first);
});
