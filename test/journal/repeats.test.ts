import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ScanReader, WriterTail, type ReadRecord } from '../../journal/reader.js';
import { encodeLine, NO_PREVIOUS_CRC, RawRecord } from '../../journal/record.js';
import { segmentPath, type SegmentPosition } from '../../journal/segments.js';
import { idOf } from '../support/build-journal.js';

const SCAN = idOf(0);
const WRITER = 'worker-0001';
/** Of the first epoch; its last three were not acknowledged, and the second epoch holds them again. */
const FIRST = ['opened', 1, 2, 3, 4, 5, 6] as const;
const ACKNOWLEDGED = 4;
const SECOND = ['opened', 4, 5, 6, 7, 8] as const;
/** How the bound is lost: a flipped bit, a cut line feed, no first segment at all. */
const LOSSES: Record<string, (bytes: Buffer) => Buffer | null> = {
  'with its opening flipped': (bytes) => {
    const copy = Buffer.from(bytes);
    copy[100] = (copy[100] ?? 0) ^ 4;
    return copy;
  },
  'with its opening zeroed': (bytes) => Buffer.from(bytes).fill(0, 0, 300),
  'without its opening': (bytes) => bytes.subarray(bytes.indexOf('\n') + 1),
};

let journalDir: string;

beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'nas-repeats-'));
});
afterEach(() => {
  rmSync(journalDir, { recursive: true, force: true });
});

interface Epoch {
  epoch: number;
  records: readonly (number | 'opened')[];
  /** What each record knows to be on disk. */
  durable: (seq: number) => number;
  previous: SegmentPosition | null;
}

/** One segment; records of the same number have the same id, time and data, whichever epoch they are in. */
function segmentOf({ epoch, records, durable, previous }: Epoch): Buffer {
  let prev = NO_PREVIOUS_CRC;
  const lines = records.map((record, i) => {
    const seq = i + 1;
    const id = idOf(record === 'opened' ? 900 + epoch : record);
    const at = `2026-11-23T18:11:02.${String(record === 'opened' ? 900 + epoch : 100 + record)}Z`;
    const type = record === 'opened' ? 'segment.opened' : 'scan.paused';
    const data =
      record === 'opened'
        ? { format: 1, hostname: 'h', segment: 1, previous, coordinator: null }
        : { reason: `number ${record}` };
    const header = {
      seq,
      durable: durable(seq),
      id,
      at,
      scan: SCAN,
      writer: WRITER,
      epoch,
      type,
      v: 1,
      prev,
    };
    const { line, crc } = encodeLine(header, JSON.stringify(data));
    prev = crc;
    return line;
  });
  return Buffer.concat(lines);
}

function put(epoch: number, bytes: Buffer | null): void {
  if (bytes === null) return;
  mkdirSync(join(journalDir, SCAN, WRITER), { recursive: true });
  writeFileSync(segmentPath(journalDir, { scan: SCAN, writer: WRITER, epoch, segment: 1 }), bytes);
}

const numberOf = ({ record }: ReadRecord): string | null =>
  record.type === 'scan.paused' ? (record.json() as { reason: string }).reason : null;
const numbers = (records: readonly ReadRecord[]): (string | null)[] =>
  records.map(numberOf).filter((number) => number !== null);

/** Outlives its batch. */
const copyOf = (read: ReadRecord): ReadRecord => ({
  ...read,
  record: new RawRecord(read.record, Buffer.from(read.record.dataBytes)),
});

async function follow(trusts: ('durable' | 'valid')[], after: SegmentPosition | null): Promise<ReadRecord[]> {
  const tail = new WriterTail({ journalDir, scan: SCAN, writer: WRITER, after });
  const found: ReadRecord[] = [];
  for (const trust of trusts)
    for (let batch = await tail.poll(trust); batch.length > 0; batch = await tail.poll(trust))
      found.push(...batch.map(copyOf));
  await tail.close();
  return found;
}

const ALL = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `number ${number}`);

describe.each(Object.entries(LOSSES))('records written again in a second epoch, %s', (_how, lose) => {
  beforeEach(() => {
    // All of the last write name the same durable record: none of them is known to be on disk.
    const durable = (seq: number): number => Math.min(seq - 1, ACKNOWLEDGED);
    put(1, segmentOf({ epoch: 1, records: FIRST, durable, previous: null }));
    const previous = { epoch: 1, segment: 1, seq: ACKNOWLEDGED, crc: '00000000', bytes: 0 };
    put(2, lose(segmentOf({ epoch: 2, records: SECOND, durable: (seq) => seq - 1, previous })));
  });

  test('count once for a reader at rest', async () => {
    const reader = new ScanReader({ journalDir, scan: SCAN });
    const found: ReadRecord[] = [];
    for await (const batch of reader.batches()) found.push(...batch);
    expect(numbers(found)).toEqual(ALL);
    // The opening of the first epoch counts too, that of the second is gone.
    expect(reader.report().records).toBe(ALL.length + 1);
  });

  test.each([[['valid']], [['durable', 'valid']]] as ('durable' | 'valid')[][][])(
    'count once for a follower that trusts %j, wherever it was stopped',
    async (trusts) => {
      const whole = await follow(trusts, null);
      expect(numbers(whole)).toEqual(ALL);
      for (const [i, { record, segment, end }] of whole.entries()) {
        const after = { epoch: record.epoch, segment, seq: record.seq, crc: record.crc, bytes: end };
        expect(numbers(await follow(trusts, after))).toEqual(numbers(whole.slice(i + 1)));
      }
    },
  );
});

test.each(Object.entries(LOSSES))(
  'records written again in a third epoch only count once, where the second is read %s',
  async (_how, lose) => {
    const durable = (seq: number): number => Math.min(seq - 1, ACKNOWLEDGED);
    put(1, segmentOf({ epoch: 1, records: FIRST, durable, previous: null }));
    const first = { epoch: 1, segment: 1, seq: ACKNOWLEDGED, crc: '00000000', bytes: 0 };
    // Room for a word was all that there was.
    put(
      2,
      lose(segmentOf({ epoch: 2, records: ['opened', 9, 10], durable: (seq) => seq - 1, previous: first })),
    );
    const second = { epoch: 2, segment: 1, seq: 3, crc: '00000000', bytes: 0 };
    put(3, segmentOf({ epoch: 3, records: SECOND, durable: (seq) => seq - 1, previous: second }));
    const found = numbers(await follow(['valid'], null));
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(ALL));
  },
);

test('a bound that is there decides: the first epoch ends at it, the second has the rest', async () => {
  const durable = (seq: number): number => Math.min(seq - 1, ACKNOWLEDGED);
  put(1, segmentOf({ epoch: 1, records: FIRST, durable, previous: null }));
  const previous = { epoch: 1, segment: 1, seq: ACKNOWLEDGED, crc: '00000000', bytes: 0 };
  put(2, segmentOf({ epoch: 2, records: SECOND, durable: (seq) => seq - 1, previous }));
  const found = await follow(['valid'], null);
  expect(numbers(found)).toEqual(ALL);
  expect(found.filter(({ record }) => record.epoch === 2)).toHaveLength(SECOND.length);
});

test.each([
  ['nothing', 0],
  ['half of its opening', 100],
])('an epoch that got %s to disk is passed over, live and at rest', async (_what, bytes) => {
  const durable = (seq: number): number => Math.min(seq - 1, ACKNOWLEDGED);
  put(1, segmentOf({ epoch: 1, records: FIRST, durable, previous: null }));
  const previous = { epoch: 1, segment: 1, seq: ACKNOWLEDGED, crc: '00000000', bytes: 0 };
  const second = segmentOf({ epoch: 2, records: SECOND, durable: (seq) => seq - 1, previous });
  put(2, second.subarray(0, bytes));
  const tail = new WriterTail({ journalDir, scan: SCAN, writer: WRITER });
  await tail.poll();
  expect(await tail.poll()).toEqual([]); // it may still be written
  put(3, segmentOf({ epoch: 3, records: SECOND, durable: (seq) => seq - 1, previous }));
  const live: ReadRecord[] = [];
  for (let batch = await tail.poll(); batch.length > 0; batch = await tail.poll())
    live.push(...batch.map(copyOf));
  await tail.close();
  expect(numbers(live)).toEqual(ALL.slice(ACKNOWLEDGED - 1, -1)); // nobody knows yet of the last one
  expect(numbers(await follow(['valid'], null))).toEqual(ALL);
});
