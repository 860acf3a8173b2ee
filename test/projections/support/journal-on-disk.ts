import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicFactory } from 'ulid';
import { encodeLine, NO_PREVIOUS_CRC } from '../../../journal/record.js';

/** One record of a made-up journal, in the order in which the writers of a real one would have written. */
export interface Step {
  scan: string;
  writer: string;
  /** `seal` ends the segment, `epoch` begins the next one after a crash: neither is a record of the caller's. */
  type: string;
  data: unknown;
}

interface WriterState {
  epoch: number;
  segment: number;
  seq: number;
  prev: string;
  records: number;
  bytes: number;
  hash: ReturnType<typeof createHash>;
  last: { epoch: number; segment: number; seq: number; crc: string; bytes: number } | null;
}

/** Writes records one by one, without syncing: for tests that need many journals fast. */
export class JournalOnDisk {
  readonly #writers = new Map<string, WriterState>();
  readonly #ulid = monotonicFactory();
  #timeMs = Date.parse('2026-01-01T00:00:00Z');

  constructor(readonly journalDir: string) {}

  append(step: Step): void {
    const state = this.#stateOf(step);
    if (step.type === 'seal') {
      if (state.records > 0) this.#seal(step, state);
      return;
    }
    if (step.type === 'epoch') {
      Object.assign(state, { epoch: state.epoch + 1, segment: 0, seq: 0, prev: NO_PREVIOUS_CRC, records: 0 });
      return;
    }
    if (state.records === 0) this.#open(step, state);
    this.#line(step, state, step.type, step.data);
  }

  /** Where a writer's last record ends. */
  position(scan: string, writer: string): WriterState['last'] {
    return this.#writers.get(`${scan}/${writer}`)?.last ?? null;
  }

  #stateOf({ scan, writer }: Step): WriterState {
    const key = `${scan}/${writer}`;
    let state = this.#writers.get(key);
    if (state === undefined) {
      mkdirSync(join(this.journalDir, scan, writer), { recursive: true });
      state = {
        epoch: 1,
        segment: 0,
        seq: 0,
        prev: NO_PREVIOUS_CRC,
        records: 0,
        bytes: 0,
        hash: createHash('sha256'),
        last: null,
      };
      this.#writers.set(key, state);
    }
    return state;
  }

  #open(step: Step, state: WriterState): void {
    Object.assign(state, { segment: state.segment + 1, bytes: 0, hash: createHash('sha256') });
    const last = state.last;
    const previous =
      last === null ? null : { epoch: last.epoch, segment: last.segment, seq: last.seq, crc: last.crc };
    const data = { format: 1, hostname: 'h', segment: state.segment, previous, coordinator: null };
    this.#line(step, state, 'segment.opened', data);
  }

  #seal(step: Step, state: WriterState): void {
    const sha256 = state.hash.copy().digest('hex');
    this.#line(step, state, 'segment.sealed', { records: state.records, bytes: state.bytes, sha256 });
    state.records = 0;
  }

  #line(step: Step, state: WriterState, type: string, data: unknown): void {
    this.#timeMs += 7;
    state.seq += 1;
    const { line, crc } = encodeLine(
      {
        seq: state.seq,
        durable: state.seq - 1,
        id: this.#ulid(this.#timeMs),
        at: new Date(this.#timeMs).toISOString(),
        scan: step.scan,
        writer: step.writer,
        epoch: state.epoch,
        type,
        v: 1,
        prev: state.prev,
      },
      JSON.stringify(data),
    );
    const digits = (value: number): string => String(value).padStart(4, '0');
    const file = `${digits(state.epoch)}-${digits(state.segment)}.ndjson`;
    appendFileSync(join(this.journalDir, step.scan, step.writer, file), line);
    state.prev = crc;
    state.records += 1;
    state.bytes += line.length;
    state.hash.update(line);
    state.last = { epoch: state.epoch, segment: state.segment, seq: state.seq, crc, bytes: state.bytes };
  }
}
