import { expect, test } from 'vitest';
import { LineSplitter, logLines } from '../../src/engine/docker-logs.js';

function frame(text: string, stream = 1): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test('lines come out whatever frames they arrived in', () => {
  const body = Buffer.concat([frame('on'), frame('e\ntwo\n'), frame('error\n', 2), frame('last')]);
  expect(logLines(body, 50)).toEqual(['one', 'two', 'error', 'last']);
});

test('only the last lines are kept, and long ones are cut', () => {
  const body = frame(`${'x'.repeat(5000)}\n`.repeat(3));
  const lines = logLines(body, 2);
  expect(lines).toHaveLength(2);
  expect(lines[0]?.length).toBeLessThan(1100);
});

test('a hundred thousand tiny frames are no trouble', () => {
  const body = Buffer.concat(Array.from({ length: 100_000 }, () => frame('a')));
  expect(logLines(body, 50)).toHaveLength(1);
});

test('a log without frames, an empty one and a cut one', () => {
  expect(logLines(Buffer.from('plain\ntext\n'), 50)).toEqual(['plain', 'text']);
  expect(logLines(Buffer.alloc(0), 50)).toEqual([]);
  expect(logLines(frame('whole line\n').subarray(0, 12), 50)).toEqual(['whol']);
});

test('a stream is split into lines wherever its chunks end', () => {
  const splitter = new LineSplitter();
  const text = '{"a":1}\n{"b":2}\n\n{"c":3}\n';
  expect(Array.from(text).flatMap((char) => splitter.push(char))).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
});
