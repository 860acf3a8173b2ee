import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeLine, NO_PREVIOUS_CRC } from '../../journal/record.js';
import { segmentPath } from '../../journal/segments.js';
import { idOf } from '../support/build-journal.js';
import { ENTRY } from '../support/cli.js';

/** One segment of this many bytes; writers of ours seal theirs at 64 MiB. */
const BYTES = Number(process.env['TORTURE_BIG_BYTES'] ?? 10_000_000_000);
/** One record in so many holds files; replaying them all would measure SQLite. */
const BATCH_EVERY = 20;
const PAYLOAD_BYTES = 60_000;
const ROWS_PER_DIRECTORY = 60;
const BLOCK_BYTES = 8_000_000;
const VERIFY_MIB_MAX = 128;
const REPLAY_MIB_MAX = 250;
const HOUR_MS = 3_600_000;
const SCAN = idOf(0);

let dataDir: string;
let files = 0;
let records = 0;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nas-big-'));
  write('coordinator', (append) => {
    const host = { hostname: 'h', bootId: 'b', cpus: 1, memoryBytes: 1 };
    append(
      'scan.started',
      JSON.stringify({ mountPath: '/m', mountName: 'm', engine: 'process', options: {}, host }),
    );
  });
  write('worker-0001', (append) => {
    const filler = JSON.stringify({ text: 'x'.repeat(PAYLOAD_BYTES) });
    for (let bytes = 0, n = 0; bytes < BYTES; n += 1)
      bytes += n % BATCH_EVERY === 0 ? append('files.batch', batch(n)) : append('note.taken', filler);
  });
}, HOUR_MS);
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

function batch(n: number): string {
  const directories = Array.from({ length: 18 }, (_, i) => {
    const rows = Array.from({ length: ROWS_PER_DIRECTORY }, (_row, at) => [
      `IMG_${n}_${i}_${at}.jpg`,
      n,
      '1700000000123456789',
    ]);
    files += ROWS_PER_DIRECTORY;
    const counts = { entries: ROWS_PER_DIRECTORY, subdirectories: 0, others: 0, excluded: 0 };
    return { path: `/m/year-${n % 97}/set-${n}-${i}`, part: 1, last: true, rows, problems: [], ...counts };
  });
  return JSON.stringify({ chunk: 1, attempt: 1, columns: ['name', 'size', 'mtimeNs'], directories });
}

/** One sealed segment, many records to a write. */
function write(writer: string, fill: (append: (type: string, json: string) => number) => void): void {
  const path = segmentPath(join(dataDir, 'journal'), { scan: SCAN, writer, epoch: 1, segment: 1 });
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'wx');
  const hash = createHash('sha256');
  let lines: Buffer[] = [];
  let [seq, prev, bytes, waiting] = [0, NO_PREVIOUS_CRC, 0, 0];
  const flush = (): void => {
    const block = Buffer.concat(lines);
    writeSync(file, block);
    hash.update(block);
    lines = [];
    waiting = 0;
  };
  const append = (type: string, json: string): number => {
    const header = {
      seq: seq + 1,
      durable: seq,
      id: idOf(seq + 1),
      at: '2026-01-01T00:00:00.000Z',
      scan: SCAN,
    };
    const { line, crc } = encodeLine({ ...header, writer, epoch: 1, type, v: 1, prev }, json);
    seq += 1;
    records += 1;
    prev = crc;
    bytes += line.length;
    waiting += line.length;
    lines.push(line);
    if (waiting >= BLOCK_BYTES) flush();
    return line.length;
  };
  append(
    'segment.opened',
    JSON.stringify({ format: 1, hostname: 'h', segment: 1, previous: null, coordinator: null }),
  );
  fill(append);
  flush();
  append('segment.sealed', JSON.stringify({ records: seq, bytes, sha256: hash.copy().digest('hex') }));
  flush();
  closeSync(file);
}

/** Runs a command; tells its time and peak memory. */
function measured(...args: string[]): { report: Record<string, unknown>; peakMib: number } {
  const command = [process.execPath, ENTRY, ...args, '--data-dir', dataDir, '--json'];
  const done = spawnSync('/usr/bin/time', ['-f', '%e %M', ...command], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  expect(done.status, done.stderr).toBe(0);
  const [seconds, kib] = (done.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const peakMib = Math.round((kib ?? 0) / 1024);
  process.stdout.write(`${args.join(' ')}: ${BYTES} bytes in ${seconds ?? 0} s, peak ${peakMib} MiB\n`);
  return { report: JSON.parse(done.stdout) as Record<string, unknown>, peakMib };
}

test(
  'verify reads one huge segment in the memory of a small one',
  () => {
    const path = segmentPath(join(dataDir, 'journal'), {
      scan: SCAN,
      writer: 'worker-0001',
      epoch: 1,
      segment: 1,
    });
    expect(statSync(path).size).toBeGreaterThanOrEqual(BYTES);
    const { report, peakMib } = measured('verify');
    expect(report).toMatchObject({ sound: true, records });
    expect(peakMib).toBeLessThan(VERIFY_MIB_MAX);
  },
  HOUR_MS,
);

test(
  'so does replay',
  () => {
    const { report, peakMib } = measured('replay', '--to', join(dataDir, 'replayed.db'));
    expect(report).toMatchObject({
      records,
      files,
      skipped: Math.floor(((records - 5) * (BATCH_EVERY - 1)) / BATCH_EVERY),
    });
    expect(peakMib).toBeLessThan(REPLAY_MIB_MAX);
  },
  HOUR_MS,
);
