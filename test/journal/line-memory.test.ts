import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_BYTES, LineMemory } from '../../journal/line-memory.js';
import { RECORD_BYTES_MAX } from '../../journal/record.js';

const LF = 0x0a;

/** Reads so many bytes of a source, as a tail does, and gives the whole lines with the block they lie in. */
function read(
  memory: LineMemory,
  source: Buffer,
  from: number,
  bytes: number,
): [line: Buffer, block: Buffer][] {
  const { block, at } = memory.room(bytes);
  const filled = memory.add(source.copy(block, at, from, from + bytes));
  const lines: [Buffer, Buffer][] = [];
  let start = 0;
  for (let lf = filled.indexOf(LF); lf >= 0; lf = filled.indexOf(LF, start)) {
    lines.push([filled.subarray(start, lf), memory.block]);
    start = lf + 1;
  }
  memory.leave(filled.subarray(start));
  return lines;
}

test('lines stay what they are for as long as they are needed, however they come, beside other readers', () => {
  const lengths = fc.array(fc.oneof(fc.nat(200), fc.nat(BLOCK_BYTES), fc.constant(3 * BLOCK_BYTES)), {
    minLength: 1,
    maxLength: 12,
  });
  const steps = fc.infiniteStream(
    fc.record({ bytes: fc.integer({ min: 1, max: BLOCK_BYTES }), forgets: fc.boolean(), lag: fc.nat(4) }),
  );
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 2, maxLength: 3 }), steps, (sources, steps) => {
      const readers = sources.map((lengths, reader) => ({
        memory: new LineMemory(),
        // Each line is told from all others by its bytes.
        source: Buffer.concat(lengths.map((n, i) => Buffer.from(`${`${reader}.${i} `.repeat(n / 4)}\n`))),
        at: 0,
        lines: [] as [line: Buffer, block: Buffer][],
        seen: [] as string[],
      }));
      while (readers.some(({ at, source }) => at < source.length)) {
        for (const reader of readers) {
          const step = steps.next();
          if (step.done === true) throw new Error('unreachable: it never ends');
          const { bytes, forgets, lag } = step.value;
          const want = Math.min(bytes, reader.source.length - reader.at);
          if (want === 0) continue;
          reader.lines.push(...read(reader.memory, reader.source, reader.at, want));
          reader.at += want;
          if (!forgets) continue;
          // All but the newest have been used.
          const done = reader.lines.splice(0, Math.max(0, reader.lines.length - lag));
          reader.seen.push(...done.map(([line]) => line.toString()));
          reader.memory.forget(new Set(reader.lines.map(([, block]) => block)));
        }
      }
      for (const { source, lines, seen } of readers) {
        seen.push(...lines.map(([line]) => line.toString()));
        expect(seen.join('\n') + '\n').toBe(source.toString());
      }
    }),
    { numRuns: 60 },
  );
});

test('memory that nobody needs is used again, by any reader', () => {
  const source = Buffer.from('a line\n'.repeat(10_000));
  const first = new LineMemory();
  const blocks = new Set<Buffer>();
  for (let from = 0; from < source.length; from += 7_000) {
    for (const [, block] of read(first, source, from, 7_000)) blocks.add(block);
    first.forget(new Set());
  }
  expect(blocks.size).toBe(1);
  expect(blocks.has(new LineMemory().room(BLOCK_BYTES).block)).toBe(true);
});

test('the beginning of what can be no record is left out', () => {
  const memory = new LineMemory();
  const source = Buffer.alloc(2 * RECORD_BYTES_MAX, 'x');
  for (let from = 0; from < source.length; from += BLOCK_BYTES) read(memory, source, from, BLOCK_BYTES);
  const { block, at } = memory.room(1);
  block[at] = LF;
  expect(memory.add(1).length).toBe(RECORD_BYTES_MAX + 1);
});
