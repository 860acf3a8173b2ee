import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeLine, type RawRecord } from '../../journal/record.js';
import { validateEvent } from '../../journal/validate.js';
import { JournalWriter, type JournalWriterOptions } from '../../journal/writer.js';
import { asCoordinator } from '../support/coordinator-writer.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
let journalDir: string;

beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'nas-writer-'));
});
afterEach(() => {
  rmSync(journalDir, { recursive: true, force: true });
});

function options(more: Partial<JournalWriterOptions> = {}): JournalWriterOptions {
  return asCoordinator(journalDir, SCAN, more);
}

function records(file: string): RawRecord[] {
  const lines = readFileSync(join(journalDir, SCAN, 'coordinator', file), 'latin1').split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => {
    const decoded = decodeLine(Buffer.from(line, 'latin1'));
    if (!decoded.ok) throw new Error(decoded.fault);
    return decoded.record;
  });
}

test('a record is on disk, chained and counted when append resolves', async () => {
  const writer = await JournalWriter.open(options());
  const position = await writer.append('scan.paused', { reason: 'test' });
  const found = records('0001-0001.ndjson');
  expect(found.map((record) => record.type)).toEqual(['segment.opened', 'scan.paused']);
  expect(found[0]?.json()).toEqual({
    format: 1,
    hostname: 'tower',
    segment: 1,
    previous: null,
    coordinator: null,
  });
  expect(found[1]).toMatchObject({ seq: 2, durable: 1, prev: found[0]?.crc });
  expect(position).toMatchObject({ epoch: 1, segment: 1, seq: 2, crc: found[1]?.crc, at: found[1]?.at });
  expect(position.bytes).toBe(readFileSync(join(journalDir, SCAN, 'coordinator', '0001-0001.ndjson')).length);
  expect(writer.durable).toEqual(position);
  await writer.close();
});

test('close writes a seal over all lines before it', async () => {
  const writer = await JournalWriter.open(options());
  await writer.append('scan.paused', { reason: 'ü' });
  const sealed = await writer.close();
  const bytes = readFileSync(join(journalDir, SCAN, 'coordinator', '0001-0001.ndjson'));
  expect(sealed.bytes).toBe(bytes.length);
  const before = bytes.subarray(0, bytes.lastIndexOf(0x0a, bytes.length - 2) + 1);
  const sha256 = createHash('sha256').update(before).digest('hex');
  expect(records('0001-0001.ndjson').at(-1)?.json()).toEqual({ records: 2, bytes: before.length, sha256 });
  await expect(writer.append('scan.paused', { reason: 'late' })).rejects.toMatchObject({
    code: 'writer-closed',
  });
});

test('a full segment is sealed and the epoch goes on in the next', async () => {
  let nowMs = 1_800_000_000_000;
  const writer = await JournalWriter.open(options({ segmentBytesMax: 1000, now: () => (nowMs += 1) }));
  for (let i = 0; i < 6; i += 1) await writer.append('scan.paused', { reason: `number ${i}` });
  await writer.close();
  const files = readdirSync(join(journalDir, SCAN, 'coordinator')).sort();
  expect(files.length).toBeGreaterThan(1);
  const all = files.flatMap((file) => records(file));
  expect(all.map((record) => record.seq)).toEqual(all.map((_record, i) => i + 1));
  all.forEach((record, i) => expect(record.prev).toBe(i === 0 ? '00000000' : all[i - 1]?.crc));
  expect(all.map((record) => record.id)).toEqual(all.map((record) => record.id).sort());
  expect(all.map((record) => record.at)).toEqual(all.map((record) => record.at).sort());
  const second = records(files[1] ?? '');
  const sealOfFirst = records(files[0] ?? '').at(-1);
  expect(second[0]?.json()).toMatchObject({
    segment: 2,
    previous: { epoch: 1, segment: 1, seq: sealOfFirst?.seq, crc: sealOfFirst?.crc },
  });
});

test('appends that queue while a flush runs share its successor', async () => {
  const writer = await JournalWriter.open(options());
  const all = Array.from({ length: 50 }, (_, i) => writer.append('scan.paused', { reason: String(i) }));
  expect(writer.pendingBytes).toBeGreaterThan(0);
  await Promise.all(all);
  expect(writer.pendingBytes).toBe(0);
  await writer.close();
  const found = records('0001-0001.ndjson');
  expect(new Set(found.map((record) => record.durable)).size).toBeLessThan(6);
  expect(new Set(found.map((record) => record.id)).size).toBe(found.length);
});

test('a taken name moves the writer to the next epoch', async () => {
  const first = await JournalWriter.open(options());
  const end = await first.close();
  const previous = { epoch: end.epoch, segment: end.segment, seq: end.seq, crc: end.crc };
  const second = await JournalWriter.open(options({ previous }));
  await second.close();
  expect(readdirSync(join(journalDir, SCAN, 'coordinator'))).toEqual([
    '0001-0001.ndjson',
    '0002-0001.ndjson',
  ]);
  expect(records('0002-0001.ndjson')[0]?.json()).toMatchObject({ previous });
});

test('payloads that cannot be written are refused, and the writer goes on', async () => {
  const writer = await JournalWriter.open(options({ validate: validateEvent }));
  await expect(writer.append('scan.paused', {} as never)).rejects.toMatchObject({ code: 'invalid-event' });
  await expect(writer.append('scan.paused', { reason: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({
    code: 'record-too-large',
  });
  await writer.append('scan.paused', { reason: 'fine' });
  await writer.close();
  expect(records('0001-0001.ndjson')).toHaveLength(3);
});

test('batches of files wait for company, lifecycle events do not', async () => {
  const writer = await JournalWriter.open(options());
  const data = { chunk: 1, attempt: 1, columns: [], directories: [] };
  const startMs = performance.now();
  await writer.append('files.batch', data);
  expect(performance.now() - startMs).toBeGreaterThan(150);
  const again = performance.now();
  await Promise.all([writer.append('files.batch', data), writer.append('scan.paused', { reason: 'now' })]);
  expect(performance.now() - again).toBeLessThan(150);
  await writer.close();
});

test('what waits for company is written at once when nothing more will come', async () => {
  const writer = await JournalWriter.open(options());
  writer.flush(); // nothing waits: nothing happens
  const startMs = performance.now();
  const appended = writer.append('files.batch', { chunk: 1, attempt: 1, columns: [], directories: [] });
  writer.flush();
  await appended;
  expect(performance.now() - startMs).toBeLessThan(150);
  await writer.close();
});

test.each([
  ['cut', (file: string) => truncateSync(file, 10)],
  ['deleted', (file: string) => rmSync(file)],
  ['replaced', (file: string) => renameSync(file, `${file}.elsewhere`)],
])('a writer whose file is %s goes on in the next epoch', async (_what, meddle) => {
  const writer = await JournalWriter.open(options());
  await writer.append('scan.paused', { reason: 'before' });
  meddle(join(journalDir, SCAN, 'coordinator', '0001-0001.ndjson'));
  const position = await writer.append('scan.paused', { reason: 'after' });
  await writer.close();
  const moved = _what === 'replaced' ? 1 : 2;
  expect(position.epoch).toBe(moved);
  if (moved === 2) expect(records('0002-0001.ndjson').map(({ type }) => type)).toContain('scan.paused');
});
