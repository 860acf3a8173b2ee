import { createHash, type Hash } from 'node:crypto';
import { isEventType } from './event-versions.js';
import type { EventData, WriterPosition } from './events/index.js';
import { decodeLine, RECORD_BYTES_MAX, type RawRecord } from './record.js';
import type { Run, SegmentSurvey, Testimony } from './pieces.js';
import { salvage } from './salvage.js';
import type { SegmentName } from './segments.js';

export interface SurveyOptions {
  name: SegmentName;
  /** Recompute SHA-256 for the seal. */
  hash: boolean;
  ids: boolean;
}

const LF = 0x0a;
/** Without a line feed for this long, the head of the buffer is given up. */
const WINDOW_BYTES = 2 * RECORD_BYTES_MAX;
const SHOWN_SEQ = /^\{"seq":(\d{1,15}),/;
const SHOWN_SEQ_BYTES = 32;

/** Reads a segment's bytes once, in order, with memory for one window. Pure: no file, no clock. */
export class SegmentSurveyor {
  readonly #options: SurveyOptions;
  readonly #hash: Hash | null;
  readonly #survey: SegmentSurvey = { bytes: 0, pieces: [], testimonies: [], seal: null };
  /** Offset in the segment of the first byte of `push`'s argument. */
  #base = 0;
  #hashedTo = 0;
  #records = 0;
  /** The next byte is within a line whose beginning was given up. */
  #midLine = false;
  #frontierSeq = 0;
  #frontierCrc = '';
  #frontierRun: Run | null = null;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.#hash = options.hash ? createHash('sha256') : null;
  }

  /**
   * Takes the bytes that follow what was consumed so far.
   * @returns how many of them are consumed; the rest must come again, followed by more
   */
  push(bytes: Buffer): number {
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(LF, from);
      if (end < 0) break;
      this.#line(bytes, from, end, true);
      from = end + 1;
    }
    if (bytes.length - from >= WINDOW_BYTES) {
      const to = bytes.length - RECORD_BYTES_MAX;
      this.#noLine(bytes, from, to, bytes.length);
      this.#midLine = true;
      from = this.#survey.bytes - this.#base;
    }
    this.#hashTo(bytes, this.#base + from);
    this.#base += from;
    return from;
  }

  /** Takes the last bytes: a line without a line feed, if any. */
  finish(rest: Buffer): SegmentSurvey {
    if (rest.length > 0) this.#line(rest, 0, rest.length, false);
    return this.#survey;
  }

  #line(bytes: Buffer, from: number, end: number, hasLf: boolean): void {
    const to = end + (hasLf ? 1 : 0);
    const decoded = decodeLine(bytes.subarray(from, end));
    if (decoded.ok && !this.#midLine) this.#record(bytes, from, to, decoded.record, false);
    else this.#noLine(bytes, from, to, to);
    this.#midLine = false;
  }

  /** Bytes that are no line: whole records in them, and the rest bad. Ends at `to`, or behind a record that goes beyond. */
  #noLine(bytes: Buffer, from: number, to: number, searchTo: number): void {
    let at = from;
    for (const { from: start, to: stop, record, whole } of salvage(bytes.subarray(from, searchTo))) {
      if (from + start >= to) break;
      if (from + start > at || at > from) this.#bad(bytes, at, from + start, false);
      at = from + stop;
      if (bytes[at] === LF && at < searchTo) at += 1;
      this.#record(bytes, from + start, at, record, !whole && (start > 0 || this.#midLine));
    }
    if (at < to) this.#bad(bytes, at, to, false);
  }

  #bad(bytes: Buffer, from: number, to: number, foreign: boolean): void {
    const slice = bytes.subarray(from, to);
    let lines = 0;
    for (let lf = slice.indexOf(LF); lf >= 0; lf = slice.indexOf(LF, lf + 1)) lines += 1;
    const shown = foreign ? null : SHOWN_SEQ.exec(slice.toString('latin1', 0, SHOWN_SEQ_BYTES));
    const seqShown = shown === null ? 0 : Number(shown[1]);
    const endsWithLine = slice.at(-1) === LF;
    const nul = isNul(slice);
    this.#survey.bytes = this.#base + to;
    const last = this.#survey.pieces.at(-1);
    if (last?.kind === 'bad' && last.foreign === foreign) {
      last.toByte = this.#base + to;
      last.lines += lines;
      last.endsWithLine = endsWithLine;
      last.nul &&= nul;
      last.seqShown = Math.max(last.seqShown, seqShown);
      return;
    }
    this.#survey.pieces.push({
      kind: 'bad',
      fromByte: this.#base + from,
      toByte: this.#base + to,
      foreign,
      lines,
      endsWithLine,
      seqShown,
      nul,
    });
  }

  #record(bytes: Buffer, from: number, to: number, record: RawRecord, glued: boolean): void {
    const { scan, writer, epoch } = this.#options.name;
    const ours = record.scan === scan && record.writer === writer && record.epoch === epoch;
    if (!ours || !this.#listen(bytes, from, record)) {
      this.#bad(bytes, from, to, true);
      return;
    }
    this.#survey.bytes = this.#base + to;
    this.#records += 1;
    const run = this.#runFor(record, this.#base + from, glued);
    run.toByte = this.#base + to;
    run.toSeq = record.seq;
    run.lastCrc = record.crc;
    run.lastPrev = record.prev;
    run.lastFromByte = this.#base + from;
    run.durable = Math.max(run.durable, record.durable);
    run.sealed = record.type === 'segment.sealed';
    if (this.#options.ids) run.ids.push(record.id);
    if (!isEventType(record.type)) run.unknownTypes[record.type] = (run.unknownTypes[record.type] ?? 0) + 1;
    if (record.seq > this.#frontierSeq) {
      this.#frontierSeq = record.seq;
      this.#frontierCrc = record.crc;
      this.#frontierRun = run;
    }
  }

  #runFor(record: RawRecord, fromByte: number, glued: boolean): Run {
    const last = this.#survey.pieces.at(-1);
    if (last?.kind === 'run' && last.toSeq + 1 === record.seq && last.lastCrc === record.prev) {
      // A repeated stretch ends where the record follows that it repeats: there the chain goes on.
      const resumes = last !== this.#frontierRun && record.prev === this.#frontierCrc;
      if (!last.sealed && !(resumes && record.seq === this.#frontierSeq + 1)) return last;
    }
    const run: Run = {
      kind: 'run',
      fromByte,
      toByte: fromByte,
      fromSeq: record.seq,
      toSeq: record.seq,
      firstPrev: record.prev,
      lastCrc: record.crc,
      lastFromByte: fromByte,
      lastPrev: record.prev,
      durable: record.durable,
      opened: record.type === 'segment.opened',
      sealed: false,
      glued,
      unknownTypes: {},
      ids: [],
    };
    this.#survey.pieces.push(run);
    return run;
  }

  /** Notes what a record says about others. False: it is the opening of another segment. */
  #listen(bytes: Buffer, from: number, record: RawRecord): boolean {
    const heard = testimonyOf(record, this.#base + from);
    if (heard?.kind === 'opened' && heard.segment !== this.#options.name.segment) return false;
    if (heard !== null) this.#survey.testimonies.push(heard);
    if (record.type === 'segment.sealed') {
      const offset = this.#base + from;
      this.#hashTo(bytes, offset);
      this.#survey.seal = { seq: record.seq, matches: this.#sealMatches(record, offset) };
    }
    return true;
  }

  #sealMatches(record: RawRecord, offset: number): boolean {
    const sums = payloadOf(record) as EventData<'segment.sealed'> | null;
    if (sums?.bytes !== offset || sums.records !== this.#records) return false;
    return this.#hash === null || this.#hash.copy().digest('hex') === sums.sha256;
  }

  #hashTo(bytes: Buffer, offset: number): void {
    if (offset > this.#hashedTo)
      this.#hash?.update(bytes.subarray(this.#hashedTo - this.#base, offset - this.#base));
    this.#hashedTo = Math.max(this.#hashedTo, offset);
  }
}

/** What a record says about others; null for most. */
function testimonyOf(record: RawRecord, fromByte: number): Testimony | null {
  const { seq, type } = record;
  if (type === 'segment.opened') {
    const data = payloadOf(record) as EventData<'segment.opened'> | null;
    if (data === null) return null;
    const { segment, previous, coordinator } = data;
    return { kind: 'opened', seq, fromByte, segment, previous, coordinator };
  }
  if (type !== 'writer.progressed' && type !== 'writer.settled') return null;
  const position = payloadOf(record) as WriterPosition | null;
  if (position === null) return null;
  return { kind: type === 'writer.settled' ? 'settled' : 'progressed', seq, fromByte, position };
}

/** The payload, or null where its author wrote something else under this name. */
function payloadOf(record: RawRecord): object | null {
  try {
    const data = record.json();
    return typeof data === 'object' && data !== null ? data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isNul(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

/** Surveys bytes that are in memory as a whole. */
export function surveyBytes(bytes: Buffer, options: SurveyOptions): SegmentSurvey {
  const surveyor = new SegmentSurveyor(options);
  return surveyor.finish(bytes.subarray(surveyor.push(bytes)));
}
