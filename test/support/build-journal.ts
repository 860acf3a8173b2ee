import { createHash } from 'node:crypto';
import { encodeLine, NO_PREVIOUS_CRC } from '../../journal/record.js';
import type { SegmentPosition } from '../../journal/segments.js';
import type { MemorySegment } from './journal-bytes.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A small fast generator of numbers (xorshift32), so that a seed names a whole case. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** A whole number below `bound`. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}

export function idOf(counter: number): string {
  let text = '';
  for (let rest = counter, i = 0; i < 16; i += 1, rest = Math.floor(rest / 32))
    text = (ALPHABET[rest % 32] ?? '') + text;
  return `01KARA41R0${text}`;
}

export const BUILT_SCAN = idOf(0);

interface EpochPlan {
  writer: string;
  epoch: number;
  /** Events per segment, without opening and seal. */
  segments: number[];
  /** Whether the last segment is sealed. */
  sealed: boolean;
  previous: SegmentPosition | null;
  coordinator: { epoch: number; seq: number; crc: string } | null;
  /** Written as the last events of the last segment. */
  last?: { type: string; data: unknown }[];
}

/** Writes epochs of a journal in memory, by the rules of the format. */
export class JournalBuilder {
  readonly segments: MemorySegment[] = [];
  readonly #dice: Dice;
  #ids = 1;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Returns the positions of all its records. */
  epoch(plan: EpochPlan): SegmentPosition[] {
    const positions: SegmentPosition[] = [];
    let seq = 0;
    let durable = 0;
    let crc = NO_PREVIOUS_CRC;
    let previous = plan.previous;
    plan.segments.forEach((count, i) => {
      const segment = i + 1;
      const lines: Buffer[] = [];
      let bytes = 0;
      const write = (type: string, data: unknown): void => {
        // One write carries some records: those of the same write share what was durable before it.
        if (type !== 'note.taken' || this.#dice.below(3) === 0) durable = seq;
        seq += 1;
        const { writer, epoch } = plan;
        const id = idOf(this.#ids++);
        const at = '2026-11-23T18:11:02.123Z';
        const header = { seq, durable, id, at, scan: BUILT_SCAN, writer, epoch, type, v: 1, prev: crc };
        const encoded = encodeLine(header, JSON.stringify(data));
        ({ crc } = encoded);
        bytes += encoded.line.length;
        lines.push(encoded.line);
        positions.push({ epoch, segment, seq, crc, bytes });
      };
      const ref = previous === null ? null : { ...previous, bytes: undefined };
      write('segment.opened', {
        format: 1,
        hostname: 'h',
        segment,
        previous: ref,
        coordinator: plan.coordinator,
      });
      for (let n = 0; n < count; n += 1) write('note.taken', { n: this.#dice.below(1000) });
      const lastOne = segment === plan.segments.length;
      if (lastOne) for (const { type, data } of plan.last ?? []) write(type, data);
      if (!lastOne || plan.sealed) {
        const sha256 = createHash('sha256').update(Buffer.concat(lines)).digest('hex');
        write('segment.sealed', { records: lines.length, bytes, sha256 });
      }
      previous = positions.at(-1) ?? null;
      const name = { scan: BUILT_SCAN, writer: plan.writer, epoch: plan.epoch, segment };
      this.segments.push({ name, bytes: Buffer.concat(lines) });
    });
    return positions;
  }
}

/** A scan of a coordinator and one worker whose first attempt was killed. Shape and contents follow the dice. */
export function buildScan(dice: Dice): MemorySegment[] {
  const builder = new JournalBuilder(dice);
  const coordinator = builder.epoch({
    writer: 'coordinator',
    epoch: 1,
    segments: [dice.below(4)],
    sealed: false,
    previous: null,
    coordinator: null,
  });
  const { epoch, seq, crc } = coordinator[0] ?? { epoch: 1, seq: 1, crc: '' };
  const ref = { epoch, seq, crc };
  const worker = 'worker-0001';
  const first = builder.epoch({
    writer: worker,
    epoch: 1,
    segments: dice.below(2) === 0 ? [1 + dice.below(5)] : [dice.below(3), dice.below(3)],
    sealed: false,
    previous: null,
    coordinator: ref,
  });
  const kept = first[dice.below(first.length)] ?? null;
  const second = builder.epoch({
    writer: worker,
    epoch: 2,
    segments: dice.below(2) === 0 ? [dice.below(4)] : [dice.below(3), dice.below(2)],
    sealed: dice.below(2) === 0,
    previous: kept,
    coordinator: ref,
  });
  const said = [{ type: 'writer.settled', data: { writer: worker, ...kept } }];
  const proven = second.at(-1);
  if (dice.below(2) === 0) said.push({ type: 'writer.progressed', data: { writer: worker, ...proven } });
  builder.epoch({
    writer: 'coordinator',
    epoch: 2,
    segments: [dice.below(2)],
    sealed: dice.below(2) === 0,
    previous: coordinator.at(-1) ?? null,
    coordinator: null,
    last: said,
  });
  return builder.segments;
}
