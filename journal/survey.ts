import { createHash, type Hash } from 'node:crypto';
import { EVENT_VERSIONS, FORMAT, isEventType } from './event-versions.js';
import { decodeLine, RECORD_BYTES_MAX, type RawRecord } from './record.js';
import type { Run, SegmentSurvey, Unreadable } from './pieces.js';
import { salvage } from './salvage.js';
import type { SegmentName } from './segments.js';
import { openingIn, sealOf, Testimonies, testimonyOf } from './testimony.js';

export interface SurveyOptions {
  name: SegmentName;
  /** Recompute SHA-256 for the seal. */
  hash: boolean;
  /** Keep the ids that may stand in two epochs: only a writer with several epochs can have any. */
  ids: boolean;
}

const LF = 0x0a;
/** Without a line feed for this long, the head of the buffer is given up. */
const WINDOW_BYTES = 2 * RECORD_BYTES_MAX;
/** Records that are written again come first in their epoch: a commit at most, and the opening. */
const REWRITTEN_SEQ_MAX = 8_192;
/** Ids gathered before those that can be forgotten are. */
const IDS_AT_ONCE = 16_384;
const ZEROS = Buffer.alloc(64 * 1024);
const SHOWN_SEQ = /^\{"seq":(\d{1,15}),/;
const SHOWN_SEQ_BYTES = 32;

/** Sees each record of a segment in the pass that surveys it, with the run it stands in: whether it counts is decided later. */
export type SurveyObserver = (record: RawRecord, run: Run) => void;

/** Reads a segment's bytes once, in order, with memory for one window. Pure: no file, no clock. */
export class SegmentSurveyor {
  readonly #options: SurveyOptions;
  readonly #observe: SurveyObserver | null;
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
  readonly #unreadable: Unreadable[] = [];
  readonly #testimonies = new Testimonies();

  constructor(options: SurveyOptions, observe: SurveyObserver | null = null) {
    this.#options = options;
    this.#observe = observe;
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

  /** The next bytes hold a stretch that could not be read; it is pushed as zeros, so that it can be no record. */
  expectUnreadable(stretch: Unreadable): void {
    const last = this.#unreadable.at(-1);
    if (last?.toByte === stretch.fromByte && last.code === stretch.code) last.toByte = stretch.toByte;
    else this.#unreadable.push(stretch);
  }

  /** Nothing of the file could be read, of which so many bytes are said to be there. */
  allUnreadable(bytes: number, code: string): SegmentSurvey {
    const whole = { fromByte: 0, toByte: bytes, foreign: false, lines: 0, endsWithLine: false, seqShown: 0 };
    this.#survey.bytes = bytes;
    this.#survey.pieces.push({ kind: 'bad', ...whole, nul: false, unreadable: code });
    return this.#survey;
  }

  /** Takes the last bytes: a line without a line feed, if any. */
  finish(rest: Buffer): SegmentSurvey {
    if (rest.length > 0) this.#line(rest, 0, rest.length, false);
    this.#survey.testimonies = this.#testimonies.list();
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
    const unreadable = this.#unreadableIn(this.#base + from, this.#base + to);
    this.#survey.bytes = this.#base + to;
    const last = this.#survey.pieces.at(-1);
    if (last?.kind === 'bad' && last.foreign === foreign) {
      last.toByte = this.#base + to;
      last.lines += lines;
      last.endsWithLine = endsWithLine;
      last.nul &&= nul;
      last.unreadable ??= unreadable;
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
      unreadable,
    });
  }

  #unreadableIn(fromByte: number, toByte: number): string | null {
    // Bytes are judged in order: what ends before these is judged already.
    while ((this.#unreadable[0]?.toByte ?? Infinity) <= fromByte) this.#unreadable.shift();
    const [stretch] = this.#unreadable;
    return stretch !== undefined && stretch.fromByte < toByte ? stretch.code : null;
  }

  #record(bytes: Buffer, from: number, to: number, record: RawRecord, glued: boolean): void {
    const { scan, writer, epoch } = this.#options.name;
    const ours = record.scan === scan && record.writer === writer && record.epoch === epoch;
    const said = ours ? testimonyOf(record, this.#base + from) : null;
    // The opening of another segment is as foreign as a record of another file.
    if (!ours || (said?.kind === 'opened' && said.segment !== this.#options.name.segment)) {
      this.#bad(bytes, from, to, true);
      return;
    }
    if (record.type === 'segment.sealed') this.#seal(bytes, from, record);
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
    if (said !== null) this.#testimonies.add(said, run);
    if (this.#options.ids) this.#keepId(run, record);
    count(run, record);
    if (record.seq > this.#frontierSeq) {
      this.#frontierSeq = record.seq;
      this.#frontierCrc = record.crc;
      this.#frontierRun = run;
    }
    this.#observe?.(record, run);
  }

  #keepId(run: Run, { seq, id }: RawRecord): void {
    run.ids.set(seq, id);
    if (run.ids.size % IDS_AT_ONCE !== 0) return;
    const first = this.#options.name.segment === 1 ? REWRITTEN_SEQ_MAX : 0;
    for (const known of run.ids.keys()) if (known > first && known <= run.durable) run.ids.delete(known);
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
      newerVersions: {},
      newerFormat: false,
      ids: new Map(),
    };
    this.#survey.pieces.push(run);
    return run;
  }

  #seal(bytes: Buffer, from: number, record: RawRecord): void {
    const offset = this.#base + from;
    this.#hashTo(bytes, offset);
    this.#survey.seal = { seq: record.seq, matches: this.#sealMatches(record, offset) };
  }

  #sealMatches(record: RawRecord, offset: number): boolean | 'newer-version' {
    if (record.v > EVENT_VERSIONS['segment.sealed']) return 'newer-version';
    const sums = sealOf(record);
    if (sums?.bytes !== offset || sums.records !== this.#records) return false;
    return this.#hash === null || this.#hash.copy().digest('hex') === sums.sha256;
  }

  #hashTo(bytes: Buffer, offset: number): void {
    if (offset > this.#hashedTo)
      this.#hash?.update(bytes.subarray(this.#hashedTo - this.#base, offset - this.#base));
    this.#hashedTo = Math.max(this.#hashedTo, offset);
  }
}

function count(run: Run, record: RawRecord): void {
  const { type } = record;
  if (!isEventType(type)) run.unknownTypes[type] = (run.unknownTypes[type] ?? 0) + 1;
  else {
    const newer = newerIn(record, EVENT_VERSIONS[type]);
    if (newer === null) return;
    run.newerVersions[newer] = (run.newerVersions[newer] ?? 0) + 1;
    run.newerFormat ||= type === 'segment.opened';
  }
}

/** What of a record is newer than this program knows; null: nothing. */
function newerIn(record: RawRecord, known: number): string | null {
  const { type, v } = record;
  if (v > known) return `${type} v${v}`;
  const format = type === 'segment.opened' ? (openingIn(record)?.format ?? FORMAT) : FORMAT;
  return format > FORMAT ? `${type} format ${format}` : null;
}

function isNul(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, bytes.length - at);
    if (bytes.compare(ZEROS, 0, length, at, at + length) !== 0) return false;
  }
  return true;
}
