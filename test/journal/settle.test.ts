import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endOfWriter } from '../../journal/settle.js';

const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const GOLDEN = join(import.meta.dirname, '../fixtures/golden-journal/journal');
let journalDir: string;

beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'nas-settle-'));
  cpSync(GOLDEN, journalDir, { recursive: true });
});
afterEach(() => {
  rmSync(journalDir, { recursive: true, force: true });
});

test('a writer ends behind its last record', async () => {
  expect(await endOfWriter(journalDir, SCAN, 'worker-0002')).toEqual({
    last: { epoch: 2, segment: 2, seq: 7, crc: 'b1045958', bytes: 1581 },
    nextEpoch: 3,
  });
  expect(await endOfWriter(journalDir, SCAN, 'worker-0009')).toEqual({ last: null, nextEpoch: 1 });
});

test('a killed writer ends before the line it did not finish', async () => {
  rmSync(join(journalDir, SCAN, 'worker-0002', '0002-0001.ndjson'));
  rmSync(join(journalDir, SCAN, 'worker-0002', '0002-0002.ndjson'));
  expect(await endOfWriter(journalDir, SCAN, 'worker-0002')).toEqual({
    last: { epoch: 1, segment: 1, seq: 2, crc: 'ef64fced', bytes: 871 },
    nextEpoch: 2,
  });
});

test('what lies behind a hole is left out, so that the end is a witness for all before it', async () => {
  const file = join(journalDir, SCAN, 'coordinator', '0001-0002.ndjson');
  const bytes = readFileSync(file);
  const third = bytes.indexOf('{"seq":18,');
  bytes.fill(0, third, bytes.indexOf('{"seq":19,'));
  writeFileSync(file, bytes);
  const { last } = await endOfWriter(journalDir, SCAN, 'coordinator');
  expect(last).toEqual({ epoch: 1, segment: 2, seq: 17, crc: '6df570b3', bytes: third });
});

test('a line feed that became another byte, anywhere in the last segment, takes nobody the end of the writer', async () => {
  const file = join(journalDir, SCAN, 'coordinator', '0001-0002.ndjson');
  const sound = readFileSync(file);
  const { last } = await endOfWriter(journalDir, SCAN, 'coordinator');
  for (let lf = sound.indexOf(10); lf >= 0; lf = sound.indexOf(10, lf + 1)) {
    const bytes = Buffer.from(sound);
    bytes[lf] = 0x2a;
    writeFileSync(file, bytes);
    expect((await endOfWriter(journalDir, SCAN, 'coordinator')).last).toMatchObject({ seq: last?.seq });
  }
});
