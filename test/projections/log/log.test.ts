import { describe, expect, test } from 'vitest';
import type { EventData, EventType, JournalEvent } from '../../../journal/events/index.js';
import type { RecordHeader } from '../../../journal/record.js';
import { logFileName, logLines, newLogState, renderLogLine, type LogLine } from '../../../projections/log.js';
import { goldenRecords } from '../../support/golden.js';

function header(atMs: number): RecordHeader {
  return {
    seq: 1,
    durable: 0,
    id: '01KARA41W9000007QJ00000000',
    at: new Date(atMs).toISOString(),
    scan: '01KARA41R028T5CY4GNF6YY4HM',
    writer: 'coordinator',
    epoch: 1,
    type: 'x',
    v: 1,
    prev: '00000000',
    crc: '00000000',
  };
}

const START_MS = Date.UTC(2026, 10, 23, 18, 0, 0);

/** Folds events that are one second apart. */
function fold(events: JournalEvent[], stepMs = 1000): LogLine[] {
  const state = newLogState();
  return events.flatMap((event, index) => logLines(event, header(START_MS + index * stepMs), state));
}

function event<T extends EventType>(type: T, data: EventData<T>): JournalEvent {
  return { type, data } as JournalEvent;
}

const host = { hostname: 'tower', bootId: 'b', cpus: 4, memoryBytes: 8 * 1024 ** 3 };
const started = event('scan.started', {
  mountPath: '/mnt/user/Error Logs',
  mountName: 'Errors',
  engine: 'docker',
  options: { checksum: 'none', exclude: ['*.error'] },
  host,
});
const command =
  "docker run -d --name smart-scan-1 -v '/mnt/user/Error Logs:/mnt/user/Error Logs:ro' nas-scanner-hp:latest";
const requested = event('container.requested', {
  chunk: 1,
  attempt: 1,
  name: 'smart-scan-1',
  image: 'nas-scanner-hp:latest',
  command,
});
const running = event('container.started', { chunk: 1, attempt: 1, name: 'smart-scan-1', id: 'abc' });
const completed = (outcome: 'complete' | 'complete-with-problems' | 'incomplete'): JournalEvent =>
  event('scan.completed', {
    outcome,
    files: 6,
    directories: 3,
    bytes: '9007199259984002',
    problems: 0,
    chunks: { planned: 1, completed: 1, failed: 0 },
  });

function health(filesRecorded: number, more: Partial<EventData<'health.checked'>> = {}): JournalEvent {
  return event('health.checked', {
    chunk: 1,
    attempt: 1,
    responsive: true,
    cpuPercent: 35.2,
    memoryBytes: 120 * 1024 ** 2,
    memoryLimitBytes: 512 * 1024 ** 2,
    filesRecorded,
    secondsSinceProgress: 0.4,
    mountAccessible: true,
    journalFreeBytes: 1024 ** 3,
    host: { load1: 1.25, memoryFreeBytes: 2 ** 30, memoryBytes: 2 ** 33 },
    ...more,
  });
}

test('the log of a resumed scan alone tells its own time, and no pace of what others found', () => {
  const resumed = event('scan.resumed', { reason: 'it ended incomplete', host });
  const lines = fold([resumed, completed('complete')], 2000).map(({ text }) => text);
  expect(lines).toContain('Statistics: 2.0 s since it was taken up again');
  expect(lines.join()).not.toContain('files per second');
});

describe('the log of a sound scan', () => {
  const lines = fold([
    started,
    event('chunk.planned', {
      chunk: 1,
      roots: [{ path: '/mnt/user/Error Logs', scope: 'subtree' }],
      reason: 'sized',
      estimatedFiles: 6,
      estimatedBytes: 10,
    }),
    requested,
    running,
    health(5),
    event('container.exited', {
      chunk: 1,
      attempt: 1,
      name: 'smart-scan-1',
      id: 'abc',
      exitCode: 0,
      oomKilled: false,
      error: '',
      logTail: ['no error at all'],
    }),
    completed('complete'),
  ]);

  test('has nothing that `grep -i error` would find, whatever the names are', () => {
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => line.level !== 'INFO')).toEqual([]);
    expect(lines.filter((line) => /error/i.test(line.text))).toEqual([]);
  });

  test('keeps the command pasteable: a shell drops what was put into it', () => {
    const line = lines.find((each) => each.text.startsWith('Command: '));
    expect(line?.text.slice('Command: '.length).replaceAll("''", '')).toBe(command);
  });

  test('speaks the words people grep for', () => {
    const text = lines.map((line) => line.text).join('\n');
    expect(text).toContain('HEALTH CHECK chunk 1, attempt 1: responsive, CPU 35%, memory 120 MiB of 512 MiB');
    expect(text).toContain('DATABASE ACTIVITY: 5 files written, 5 files in the last five minutes');
    expect(text).toContain('HOST: load 1.3, 1.0 GiB of 8.0 GiB of memory free');
    expect(text).toMatch(/SMART SCAN COMPLETE$/);
    expect(text).toContain('Statistics: 8.0 PiB (9,007,199,259,984,002 bytes)');
  });
});

test('a start that was not tried is no failed one', () => {
  const which = { chunk: 1, attempt: 1, name: 'smart-scan-1' };
  const detail = 'the scan was stopped before it was started';
  const lines = fold([started, event('container.start-failed', { ...which, reason: 'stopped', detail })]);
  expect(lines.at(-1)).toMatchObject({
    level: 'INFO',
    text: `Container smart-scan-1 of chunk 1, attempt 1 not started: ${detail}`,
  });
});

test('a container that outlived its coordinator has its health told by the next', () => {
  const resumed = event('scan.resumed', { reason: 'its coordinator ended', host });
  const adopted = event('container.adopted', { chunk: 1, attempt: 1, name: 'smart-scan-1', id: 'abc' });
  const texts = fold([started, running, resumed, adopted, health(5)]).map(({ text }) => text);
  expect(texts).toContain(
    'Container smart-scan-1 of chunk 1, attempt 1 outlived its coordinator and is taken over',
  );
  expect(texts.join()).toContain('HEALTH CHECK chunk 1, attempt 1: responsive');
});

test.each(['complete-with-problems', 'incomplete'] as const)(
  'a scan that ended %s is not called complete',
  (outcome) => {
    const lines = fold([started, completed(outcome)]);
    expect(lines.map((line) => line.text).join('\n')).not.toContain('SMART SCAN COMPLETE');
    expect(lines.at(-1)?.level).not.toBe('INFO');
  },
);

test('a container that fails to start and one that is killed are told with all there is', () => {
  const logTail = Array.from({ length: 50 }, (_, index) => `line ${index}`);
  const lines = fold([
    started,
    event('container.start-failed', {
      chunk: 1,
      attempt: 1,
      name: 'smart-scan-1',
      reason: 'image-missing',
      detail: 'No such image',
    }),
    event('container.exited', {
      chunk: 1,
      attempt: 2,
      name: 'smart-scan-1',
      id: 'abc',
      exitCode: 137,
      oomKilled: true,
      error: '',
      logTail,
      lastUsage: {
        at: new Date(START_MS).toISOString(),
        cpuPercent: 99.8,
        memoryBytes: 149 * 2 ** 20,
        memoryLimitBytes: 150 * 2 ** 20,
      },
    }),
    event('chunk.failed', { chunk: 1, attempt: 2, reason: 'memory', willRetry: false }),
  ]);
  const texts = lines.filter((line) => line.level === 'ERROR').map((line) => line.text);
  expect(texts[0]).toBe(
    'Failed to start container smart-scan-1 for chunk 1, attempt 1: image-missing: No such image',
  );
  expect(texts[1]).toContain('exited with 137: it was killed because it used up its memory limit');
  expect(texts[2]).toBe(
    'Exit analysis of smart-scan-1: CPU 100%, memory 149 MiB of 150 MiB 2.0 s before; its last 50 lines of output:',
  );
  expect(texts.filter((text) => text.startsWith('  | line '))).toHaveLength(50);
  expect(texts.at(-1)).toContain('no attempt is left');
});

test('database activity counts the last five minutes only', () => {
  const minutes = 60_000;
  const lines = fold(
    [started, running, health(100), health(150), health(400), health(1000), health(1001)],
    3 * minutes,
  );
  const activity = lines.filter((line) => line.text.startsWith('DATABASE')).map((line) => line.text);
  expect(activity.at(-1)).toBe('DATABASE ACTIVITY: 1,001 files written, 1 file in the last five minutes');
  expect(activity[1]).toBe('DATABASE ACTIVITY: 150 files written, 50 files in the last five minutes');
});

test('control characters in names cannot forge a line', () => {
  const lines = fold([
    event('analysis.started', { directory: '/mnt/a\n2026-11-23 18:00:00 ERROR forged\u001b[2J' }),
    event('analysis.started', {
      directory: { b64: Buffer.from('/mnt/caf\xe9', 'latin1').toString('base64') },
    }),
  ]);
  expect(lines[0]?.text).not.toMatch(/[\n\u001b]/); // eslint-disable-line no-control-regex -- looked for
  expect(lines[1]?.text).toContain('/mnt/caf\\xe9');
});

test('the golden journal folds into a log that ends with its problem', () => {
  const state = newLogState();
  const records = ['coordinator/0001-0001.ndjson', 'coordinator/0001-0002.ndjson'].flatMap(goldenRecords);
  const lines = records.flatMap((record) =>
    logLines({ type: record.type, data: record.json() } as JournalEvent, record, state),
  );
  expect(lines.at(-1)).toMatchObject({
    level: 'WARNING',
    text: expect.stringContaining('1 entry could not be read') as string,
  });
});

test('file name and line carry local time', () => {
  const time = new Date(2026, 10, 23, 8, 5, 2).getTime();
  expect(logFileName(time)).toBe('smart_scan_20261123_080502.log');
  expect(renderLogLine({ level: 'INFO', text: 'x' }, time)).toBe('2026-11-23 08:05:02 INFO x');
});
