import type { Dice } from './build-journal.js';
import { linesOf, type MemorySegment } from './journal-bytes.js';

/** What a fault did to one file: its new bytes (null: gone), and the lines that it touched. */
export interface Fault {
  kind: string;
  bytes: Buffer | null;
  /** Indices of the file's lines that may be lost by it. */
  touched: (line: number) => boolean;
}

/** Where each line begins; one more entry for the end. */
export function lineStarts(bytes: Buffer): number[] {
  const starts = [0];
  for (let lf = bytes.indexOf(0x0a); lf >= 0; lf = bytes.indexOf(0x0a, lf + 1)) starts.push(lf + 1);
  return starts;
}

type Make = (dice: Dice, bytes: Buffer, starts: number[], other: Buffer) => Fault;

/** Lines that a range of bytes overlaps. */
function overlapping(starts: number[], from: number, to: number): (line: number) => boolean {
  return (line) => (starts[line] ?? 0) < to && (starts[line + 1] ?? 0) > from;
}

function range(dice: Dice, length: number): [number, number] {
  const from = dice.below(length);
  // Small ones and big ones, and some that end where lines do.
  const to = from + 1 + dice.below(dice.below(2) === 0 ? 16 : length - from);
  return [from, Math.min(to, length)];
}

const truncate: Make = (dice, bytes, starts) => {
  const length =
    dice.below(2) === 0 ? dice.below(bytes.length) : (starts[dice.below(starts.length - 1)] ?? 0);
  // Without its line feed a record is whole.
  const touched = (line: number): boolean => (starts[line + 1] ?? 0) - 1 > length;
  return { kind: `truncate ${length}`, bytes: bytes.subarray(0, length), touched };
};

const flip: Make = (dice, bytes, starts) => {
  const at = dice.below(bytes.length);
  const bit = dice.below(8);
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  const lf = bytes[at] === 0x0a;
  return {
    kind: `flip ${at}.${bit}`,
    bytes: copy,
    touched: lf ? () => false : overlapping(starts, at, at + 1),
  };
};

const zero: Make = (dice, bytes, starts) => {
  const [from, to] = range(dice, bytes.length);
  const copy = Buffer.from(bytes).fill(0, from, to);
  return { kind: `zero ${from}-${to}`, bytes: copy, touched: overlapping(starts, from, to) };
};

const duplicate: Make = (dice, bytes, starts) => {
  const [from, to] = range(dice, bytes.length);
  const parts = [bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to)];
  // The copy begins within the line that it is pushed into: no whole one is left of that.
  const touched = (line: number): boolean => (starts[line] ?? 0) < from && (starts[line + 1] ?? 0) > to;
  return { kind: `duplicate ${from}-${to}`, bytes: Buffer.concat(parts), touched };
};

const swap: Make = (dice, bytes, starts) => {
  const count = starts.length - 1;
  const i = dice.below(count);
  const j = dice.below(count);
  const lines = linesOf(bytes).map((line) => `${line}\n`);
  [lines[i], lines[j]] = [lines[j] ?? '', lines[i] ?? ''];
  const touched = (line: number): boolean => line === i || line === j;
  return { kind: `swap ${i},${j}`, bytes: Buffer.from(lines.join(''), 'latin1'), touched };
};

/** Bytes of another file, pushed in between or written over. */
const splice: Make = (dice, bytes, starts, other) => {
  const [from, to] = range(dice, other.length);
  const strange = other.subarray(from, to);
  const at = dice.below(2) === 0 ? dice.below(bytes.length) : (starts[dice.below(starts.length)] ?? 0);
  const over = dice.below(2) === 0 ? strange.length : 0;
  const parts = [bytes.subarray(0, at), strange, bytes.subarray(at + over)];
  const touched = (line: number): boolean => (starts[line] ?? 0) < at + over && (starts[line + 1] ?? 0) > at;
  const parted = (line: number): boolean => (starts[line] ?? 0) < at && (starts[line + 1] ?? 0) > at;
  return {
    kind: `splice ${from}-${to} at ${at} over ${over}`,
    bytes: Buffer.concat(parts),
    touched: (line) => touched(line) || parted(line),
  };
};

const drop: Make = () => ({ kind: 'drop', bytes: null, touched: () => true });

const append: Make = (dice, bytes) => {
  const garbage = Buffer.alloc(1 + dice.below(64));
  const zeros = dice.below(3) === 0;
  if (!zeros) for (let i = 0; i < garbage.length; i += 1) garbage[i] = dice.below(256);
  return {
    kind: `append ${garbage.toString('hex')}`,
    bytes: Buffer.concat([bytes, garbage]),
    touched: () => false,
  };
};

const remove: Make = (dice, bytes, starts) => {
  const [from, to] = range(dice, bytes.length);
  const parts = [bytes.subarray(0, from), bytes.subarray(to)];
  return {
    kind: `remove ${from}-${to}`,
    bytes: Buffer.concat(parts),
    touched: overlapping(starts, from, to),
  };
};

const MAKERS: readonly Make[] = [
  truncate,
  flip,
  zero,
  duplicate,
  swap,
  splice,
  append,
  remove,
  flip,
  truncate,
  zero,
  splice,
];

/** Damages one file in one way that the dice choose. */
export function randomFault(dice: Dice, target: MemorySegment, other: MemorySegment): Fault {
  const make = dice.below(200) === 0 ? drop : (MAKERS[dice.below(MAKERS.length)] ?? drop);
  return make(dice, target.bytes, lineStarts(target.bytes), other.bytes);
}
