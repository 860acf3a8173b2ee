import { expect, test } from 'vitest';
import { renderStatus } from '../../cli/status-text.js';
import type { FedStatus } from '../../cli/status-feed.js';
import { StatusFold, type WorkerStatus } from '../../projections/status.js';

const worker: WorkerStatus = {
  ...{ chunk: 12, state: 'running', attempt: 1, name: 'smart-scan-x-0012-1', id: 'abc' },
  ...{ files: 1_234_567, bytes: 1n, problems: 0, estimatedFiles: 0, estimatedBytes: 0, isSized: true },
  ...{ directory: '/mnt/user/Archive/a/b', reading: null, startedAtMs: 0, progressAtMs: 399_000 },
  ...{ cpuPercent: 99.6, memoryBytes: 512.4 * 2 ** 20, memoryLimitBytes: 2 ** 30, responsive: true },
  ...{ filesPerSecond: 1234.5, seconds: 400 },
};

function lines(workers: WorkerStatus[], columns = 80): string[] {
  const status: FedStatus = {
    ...new StatusFold().snapshot(400_000, true),
    ...{ scan: '01', state: 'running', endedAtMs: null, startedAtMs: 0, seconds: 400 },
    ...{ mountPath: '/mnt/user/Archive', workers, missingFiles: 0 },
  };
  return renderStatus(status, { columns, colour: false });
}

test('each worker has its chunk, files, rate, CPU, memory, age and directory', () => {
  const [names, cells] = lines([worker]).slice(-2);
  expect(names).toBe('  chunk      files files/s   CPU   memory     age  directory');
  expect(cells).toBe('     12  1,234,567   1,235  100%  512 MiB   6 min  a/b');
});

test('what is not known is not made up, and silence is said', () => {
  const unknown = { cpuPercent: null, memoryBytes: null, directory: null };
  expect(lines([{ ...worker, ...unknown, progressAtMs: 0 }]).at(-1)).toMatch(
    / - +- +6 min {2}starting {2}quiet 6 min$/,
  );
  expect(lines([{ ...worker, responsive: false }]).at(-1)).toMatch(/a\/b {2}NO ANSWER$/);
});

test('a screen of 80x24 takes them all', () => {
  const many = Array.from({ length: 30 }, (_, at) => ({ ...worker, chunk: at, directory: '/x'.repeat(99) }));
  const screen = lines(many);
  expect(screen.length).toBeLessThanOrEqual(24);
  for (const line of screen) expect(line.length).toBeLessThanOrEqual(80);
  expect(screen.at(-1)).toBe('  and 20 more workers');
});
