import { describe, expect, test } from 'vitest';
import type { EventData, EventType, JournalEvent } from '../../journal/events/index.js';
import { estimateRemaining } from '../../projections/eta.js';
import { RateCounter } from '../../projections/rate.js';
import { StatusFold } from '../../projections/status.js';
import { goldenRecords } from '../support/golden.js';

const START_MS = Date.UTC(2026, 10, 23, 18, 0, 0);
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';

class Story {
  readonly fold = new StatusFold();
  atMs = START_MS;

  tell<T extends EventType>(type: T, data: EventData<T>, afterMs = 1000): this {
    this.atMs += afterMs;
    this.fold.push({ type, data } as JournalEvent, { at: new Date(this.atMs).toISOString(), scan: SCAN });
    return this;
  }
}

const host = { hostname: 'tower', bootId: 'b', cpus: 4, memoryBytes: 1024 };

/** A worker has started on the only chunk. */
function begun(
  options: Record<string, unknown>,
  estimate: { estimatedFiles: number; estimatedBytes: number },
): Story {
  return new Story()
    .tell('scan.started', { mountPath: '/m', mountName: 'M', engine: 'process', options, host })
    .tell('chunk.planned', {
      chunk: 1,
      roots: [{ path: '/m', scope: 'subtree' }],
      reason: 'sized',
      ...estimate,
    })
    .tell('plan.finished', { chunks: 1 })
    .tell('process.started', { chunk: 1, attempt: 1, name: 'worker-0001-1', id: '77' });
}

function running(): Story {
  return begun({}, { estimatedFiles: 1000, estimatedBytes: 5000 }).tell('files.batch', batch(100), 6000);
}

function batch(files: number, size: number | string = 10): EventData<'files.batch'> {
  return {
    chunk: 1,
    attempt: 1,
    columns: ['name', 'size', 'mtimeNs'],
    directories: [
      {
        path: '/m/a',
        part: 1,
        last: true,
        rows: Array.from({ length: files }, (_, index) => [`f${index}`, size, '0']),
        problems: [{ name: 'x', operation: 'lstat', code: 'EACCES' }],
        entries: files + 1,
        subdirectories: 0,
        others: 0,
        excluded: 0,
      },
    ],
  };
}

test('a running scan: counts, rate, worker, and an estimate that admits what it does not know', () => {
  const story = running();
  const now = story.fold.snapshot(story.atMs + 4000, true);
  expect(now).toMatchObject({
    state: 'running',
    files: 100,
    bytes: 1000n,
    problems: 1,
    secondsSinceProgress: 4,
  });
  expect(now.chunks).toEqual({ planned: 1, completed: 0, failed: 0, running: 1 });
  expect(now.workers).toMatchObject([
    { chunk: 1, name: 'worker-0001-1', directory: '/m/a', filesPerSecond: 10, seconds: 10 },
  ]);
  expect(now.filesPerSecond).toBeGreaterThan(5);
  expect(now.remaining).toMatchObject({ files: 900, atLeast: false });
  expect(now.remaining.secondsLow).toBeLessThanOrEqual(now.remaining.secondsHigh ?? 0);
  expect(now.recentProblems).toEqual([{ path: '/m/a', name: 'x', operation: 'lstat', code: 'EACCES' }]);
});

test('sums stay exact beyond what a number holds', () => {
  const story = running().tell('files.batch', batch(3, '9223372036854775807'));
  const { bytes, workers } = story.fold.snapshot(story.atMs, true);
  expect([bytes, workers[0]?.bytes]).toEqual([27670116110564328421n, 27670116110564328421n]);
});

test('without a living coordinator an unfinished scan was killed, or interrupted when it says so', () => {
  const story = running();
  expect(story.fold.snapshot(story.atMs, false)).toMatchObject({ state: 'killed', workers: [] });
  story.tell('scan.interrupted', { signal: 'SIGINT' });
  expect(story.fold.snapshot(story.atMs, false).state).toBe('interrupted');
  story.tell('scan.resumed', { reason: 'started again', host });
  expect(story.fold.snapshot(story.atMs, true)).toMatchObject({ state: 'running', workers: [] });
});

test('a worker that is started again is not told by what the one before it was', () => {
  const health = { responsive: false, cpuPercent: 50, memoryBytes: 1000, memoryLimitBytes: 2000 };
  const more = { filesRecorded: 1, secondsSinceProgress: 1, mountAccessible: true, journalFreeBytes: null };
  const story = running()
    .tell('health.checked', { chunk: 1, attempt: 1, ...health, ...more })
    .tell('chunk.failed', { chunk: 1, attempt: 1, reason: 'killed', willRetry: true })
    .tell('process.started', { chunk: 1, attempt: 2, name: 'worker-0001-2', id: '78' });
  const unknown = { cpuPercent: null, memoryBytes: null, memoryLimitBytes: null };
  expect(story.fold.snapshot(story.atMs, true).workers).toMatchObject([
    { attempt: 2, responsive: true, ...unknown, seconds: 0 },
  ]);
});

test('a container that outlived its coordinator is a worker of the next', () => {
  const story = running().tell('scan.resumed', { reason: 'started again', host });
  expect(story.fold.snapshot(story.atMs, true).workers).toEqual([]);
  story.tell('container.adopted', { chunk: 1, attempt: 1, name: 'smart-scan-1', id: 'abc' });
  expect(story.fold.snapshot(story.atMs, true).workers).toMatchObject([{ chunk: 1, name: 'smart-scan-1' }]);
});

test('a paused scan says why', () => {
  const story = running().tell('scan.paused', { reason: 'the disk is full' });
  expect(story.fold.snapshot(story.atMs, true)).toMatchObject({
    state: 'paused',
    pausedBecause: 'the disk is full',
  });
});

test('the golden journal ends with the totals of its last word', () => {
  const fold = new StatusFold();
  const segments = [
    'coordinator/0001-0001.ndjson',
    'coordinator/0001-0002.ndjson',
    'worker-0001/0001-0001.ndjson',
    'worker-0002/0001-0001.ndjson',
  ];
  for (const record of segments.flatMap(goldenRecords)) {
    fold.push({ type: record.type, data: record.json() } as JournalEvent, record);
  }
  expect(fold.snapshot(Date.now(), false)).toMatchObject({
    scan: SCAN,
    state: 'complete-with-problems',
    files: 6,
    problems: 1,
    chunks: { planned: 2, completed: 2, failed: 0, running: 0 },
    secondsSinceProgress: expect.closeTo(0.137, 3) as number,
  });
});

test('nothing read: no scan', () => {
  expect(new StatusFold().snapshot(START_MS, false)).toMatchObject({ scan: null, state: 'none', files: 0 });
});

describe('an estimate', () => {
  const none = { files: 0, bytes: 0n, estimatedFiles: 0, estimatedBytes: 0, isSized: true, reading: null };
  const waiting = { ...none, state: 'planned' as const };
  const pace = { planning: false, files: { recentPerSecond: 10, meanPerSecond: 20 }, bytes: null };

  test('has no upper end while sizes are unknown', () => {
    const nothing = { files: 0, atLeast: true, secondsLow: null, secondsHigh: null };
    expect(estimateRemaining([waiting], pace)).toEqual(nothing);
    const partly = { ...waiting, estimatedFiles: 100, isSized: false };
    expect(estimateRemaining([partly], pace)).toEqual({ ...nothing, files: 100, secondsLow: 5 });
    const sized = { ...waiting, estimatedFiles: 100 };
    const known = { files: 100, atLeast: false, secondsLow: 5, secondsHigh: 10 };
    expect(estimateRemaining([sized], pace)).toEqual(known);
  });

  test('goes by bytes too where every byte is read, those of a file in hand among them', () => {
    const reading = { path: '/m/big', bytesRead: 400, bytesTotal: 5000 };
    const chunk = { ...waiting, estimatedFiles: 10, estimatedBytes: 1000, bytes: 100n, reading };
    const bytes = { recentPerSecond: 1, meanPerSecond: 2 };
    expect(estimateRemaining([chunk], { ...pace, bytes })).toMatchObject({
      secondsLow: 250,
      secondsHigh: 500,
    });
    const stopped = { recentPerSecond: 0, meanPerSecond: 0 };
    expect(estimateRemaining([chunk], { ...pace, bytes: stopped })).toMatchObject({ secondsHigh: null });
  });

  test('of a scan with full checksums takes what was read of a file before it is recorded, once', () => {
    const story = begun({ checksum: 'full' }, { estimatedFiles: 3, estimatedBytes: 4000 });
    const read = (bytesRead: number): void => {
      story.tell(
        'digest.progressed',
        { chunk: 1, attempt: 1, path: '/m/a/f0', bytesRead, bytesTotal: 1000 },
        5000,
      );
    };
    read(400);
    read(900);
    story.tell('files.batch', batch(1, 1000), 5000);
    const { remaining } = story.fold.snapshot(story.atMs, true);
    // 1000 bytes in 18 s, and 3000 to go.
    expect(remaining.secondsLow).toBeCloseTo(54, 0);
    expect(remaining).toMatchObject({ files: 2, atLeast: false });
  });
});

test('a rate takes records in any order and nothing older than its window', () => {
  const rate = new RateCounter();
  rate.add(START_MS + 100_000, 600);
  rate.add(START_MS, 10_000);
  expect(rate.perSecond(START_MS + 105_000, START_MS, 30_000)).toBeCloseTo(20, 1);
  expect(rate.slices(START_MS, START_MS + 100_000, 2)).toEqual([10_000, 600]);
});
