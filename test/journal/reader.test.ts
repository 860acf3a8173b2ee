import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ScanReader, WriterTail, type ReadRecord } from '../../journal/reader.js';
import type { SegmentPosition } from '../../journal/segments.js';
import { JournalWriter } from '../../journal/writer.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const GOLDEN = join(import.meta.dirname, '../fixtures/golden-journal/journal');
let journalDir: string;

beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'nas-reader-'));
});
afterEach(() => {
  rmSync(journalDir, { recursive: true, force: true });
});

async function readAll(
  options: Partial<ConstructorParameters<typeof ScanReader>[0]> = {},
): Promise<ReadRecord[]> {
  const reader = new ScanReader({ journalDir, scan: SCAN, ...options });
  const found: ReadRecord[] = [];
  for await (const batch of reader.batches()) found.push(...batch);
  expect(reader.report().scan).toBe(SCAN);
  return found;
}

function positionOf({ record, segment, end }: ReadRecord): SegmentPosition {
  return { epoch: record.epoch, segment, seq: record.seq, crc: record.crc, bytes: end };
}

const key = ({ record }: ReadRecord): string => `${record.writer}/${record.epoch}/${record.seq}`;

test('the golden journal is read in order, each record once', async () => {
  cpSync(GOLDEN, journalDir, { recursive: true });
  const found = await readAll();
  expect(found).toHaveLength(36);
  expect(found.map(({ record }) => record.writer)).toEqual([
    ...Array<string>(23).fill('coordinator'),
    ...Array<string>(4).fill('worker-0001'),
    ...Array<string>(9).fill('worker-0002'),
  ]);
  const files = found.filter(({ record }) => record.type === 'files.batch');
  expect(files.map(key)).toEqual([
    'worker-0001/1/2',
    'worker-0002/1/2',
    'worker-0002/2/2',
    'worker-0002/2/5',
  ]);
});

test('reading goes on from any record, and refuses a checkpoint that is not there', async () => {
  cpSync(GOLDEN, journalDir, { recursive: true });
  const all = await readAll();
  for (let i = 0; i < all.length; i += 1) {
    const last = all[i];
    if (last === undefined) continue;
    const { writer } = last.record;
    const after = new Map([[writer, positionOf(last)]]);
    const rest = all.slice(i + 1).filter(({ record }) => record.writer === writer);
    expect((await readAll({ after, writers: [writer] })).map(key)).toEqual(rest.map(key));
    const other = new Map([[writer, { ...positionOf(last), crc: '00000000' }]]);
    await expect(readAll({ after: other })).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
  }
});

test('what a tail has not returned yet stays what it is, however much it and others read meanwhile', async () => {
  const big = (reason: string): string => reason.repeat(60_000);
  const other = await open(1, null, 1e6, 'worker-0002');
  const writer = await open(1, null);
  const tail = new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001' });
  const reasons: unknown[] = [];
  const expected: string[] = [];
  const take = (records: readonly ReadRecord[]): void => {
    for (const { record } of records)
      if (record.type === 'scan.paused') reasons.push((record.json() as { reason: string }).reason);
  };
  for (let i = 0; i < 40; i += 1) {
    // The last record is never proven when it is read first.
    expected.push(big(String.fromCharCode(0x61 + (i % 26))));
    await writer.append('scan.paused', { reason: expected.at(-1) ?? '' });
    take(await tail.poll());
    await other.append('scan.paused', { reason: big('-') });
    const beside = new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0002' });
    while ((await beside.poll('valid')).length > 0);
    await beside.close();
  }
  await writer.close();
  await other.close();
  for (let batch = await tail.poll(); batch.length > 0; batch = await tail.poll()) take(batch);
  await tail.close();
  expect(reasons).toEqual(expected);
});

test('a tail returns what is proven, then the rest once the writer is dead', async () => {
  const writer = await open(1, null);
  const tail = new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001' });
  await writer.append('scan.paused', { reason: 'a' });
  await writer.append('scan.paused', { reason: 'b' });
  expect((await tail.poll()).map(key)).toEqual(['worker-0001/1/1', 'worker-0001/1/2']);
  expect(await tail.poll()).toEqual([]);
  expect((await tail.poll('valid')).map(key)).toEqual(['worker-0001/1/3']);
  expect(tail.position?.seq).toBe(3);
  await writer.close();
  expect((await tail.poll()).map(({ record }) => record.type)).toEqual(['segment.sealed']);
  expect(tail.sealed).toBe(true);
  await tail.close();
});

test('a tail follows segments and epochs, and starts anywhere', async () => {
  const first = await open(1, null, 600);
  for (let i = 0; i < 5; i += 1) await first.append('scan.paused', { reason: String(i) });
  const end = await first.close();
  const { epoch, segment, seq, crc } = end;
  const second = await open(2, { epoch, segment, seq, crc });
  await second.append('scan.paused', { reason: 'last' });
  await second.close();
  const all: ReadRecord[] = await drain(new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001' }));
  expect(all.filter(({ record }) => record.type === 'scan.paused')).toHaveLength(6);
  expect(all.map(key)).toEqual((await readAll()).map(key));
  for (const [i, record] of all.entries()) {
    const after = positionOf(record);
    const tail = new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001', after });
    expect((await drain(tail)).map(key)).toEqual(all.slice(i + 1).map(key));
  }
});

test('what an older epoch holds beyond its bound is not read, live or at rest', async () => {
  const first = await open(1, null);
  const kept = await first.append('scan.paused', { reason: 'kept' });
  await first.append('scan.paused', { reason: 'not counted' });
  const { epoch, segment, seq, crc } = kept;
  const second = await open(2, { epoch, segment, seq, crc });
  await second.append('scan.paused', { reason: 'again' });
  await second.close();
  const tail = await drain(new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001' }));
  const expected = ['1/1', '1/2', '2/1', '2/2', '2/3'].map((ref) => `worker-0001/${ref}`);
  expect(tail.map(key)).toEqual(expected);
  expect((await readAll()).map(key)).toEqual(expected);
  await first.close();
});

test('a tail waits for a line that is not finished', async () => {
  const writer = await open(1, null);
  await writer.append('scan.paused', { reason: 'a' });
  await writer.append('scan.paused', { reason: 'b' });
  await writer.close();
  const file = join(journalDir, SCAN, 'worker-0001', '0001-0001.ndjson');
  const whole = readFileSync(file);
  truncateSync(file, whole.length - 10);
  const tail = new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001' });
  expect(await tail.poll()).toHaveLength(2);
  appendFileSync(file, whole.subarray(whole.length - 10));
  expect(await drain(tail, 'durable')).toHaveLength(2);
  writeFileSync(file, whole.subarray(0, whole.length - 1));
  expect(await drain(new WriterTail({ journalDir, scan: SCAN, writer: 'worker-0001' }))).toHaveLength(4);
});

async function drain(tail: WriterTail, trust: 'valid' | 'durable' = 'valid'): Promise<ReadRecord[]> {
  const all: ReadRecord[] = [];
  for (let batch = await tail.poll(trust); batch.length > 0; batch = await tail.poll(trust))
    all.push(...batch);
  await tail.close();
  return all;
}

function open(
  epoch: number,
  previous: Parameters<typeof JournalWriter.open>[0]['previous'],
  segmentBytesMax = 1e6,
  writer = 'worker-0001',
): Promise<JournalWriter> {
  return JournalWriter.open({
    journalDir,
    scan: SCAN,
    writer,
    hostname: 'tower',
    epoch,
    previous,
    coordinator: null,
    segmentBytesMax,
  });
}
