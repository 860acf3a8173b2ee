import type { Transferable } from 'node:worker_threads';
import { decodeEvent } from '../../journal/decode-event.js';
import type { EventData, PathText } from '../../journal/events/index.js';
import type { Run, SegmentSurvey } from '../../journal/pieces.js';
import { RawRecord, type RecordHeader } from '../../journal/record.js';
import { chunkOfWriter } from '../../journal/segments.js';
import { surveyFile, type SurveyTask } from '../../journal/survey-file.js';
import { RateCounter, type RateSlices } from '../rate.js';
import { listingOf, type Listing } from './listing.js';
import { PlainListingsBuilder, type PlainListings } from './plain-listings.js';
import { TopIndex } from './tops.js';

/** Steps kept of one file; one that has more is read again in the ordinary way. */
const STEPS_MAX = 20_000;
/** Bytes kept of records that are handed on as they are. */
const RECORD_BYTES_KEPT_MAX = 4 * 1024 * 1024;

/** What a worker's file holds, in its order. */
export type Step =
  | { kind: 'plain'; attempt: number; /** Behind the last row of the columns. */ to: number }
  | { kind: 'listing'; attempt: number; seq: number; at: string; listing: Listing }
  | { kind: 'record'; header: RecordHeader; data: Uint8Array };

/** A worker's file, read once: all that diagnosis wants of its records. */
export interface CondensedFile {
  /** The one run of records that it is of: what counts can turn out to be less. */
  run: { fromByte: number; toByte: number; fromSeq: number; toSeq: number };
  plain: PlainListings;
  /** What `plain.top` points to. */
  tops: readonly string[];
  steps: Step[];
  /** Of the batches among its records; the others stand in `steps` as they are. */
  batches: { records: number; firstAt: string; lastAt: string; last: { seq: number; crc: string } } | null;
  /** Files recorded, over time. */
  files: RateSlices;
}

export interface CondensedSurvey {
  survey: SegmentSurvey;
  /** null: not a worker's, in several pieces, or too much to tell. */
  condensed: CondensedFile | null;
}

export interface CondenseTask extends SurveyTask {
  mountPath: PathText | null;
}

/** Surveys a file and condenses a worker's in the same pass. */
export async function condenseFile(task: CondenseTask): Promise<CondensedSurvey | null> {
  if (chunkOfWriter(task.name.writer) === null) {
    const survey = await surveyFile(task);
    return survey === null ? null : { survey, condensed: null };
  }
  const condenser = new Condenser(task.mountPath);
  const survey = await surveyFile(task, (record, run) => {
    condenser.push(record, run);
  });
  return survey === null ? null : { survey, condensed: condenser.finish() };
}

/** What of it a thread hands over instead of copying it. */
export function buffersOf({ condensed }: CondensedSurvey): Transferable[] {
  return condensed === null ? [] : Object.values(condensed.plain).map(({ buffer }) => buffer as ArrayBuffer);
}

/** Columns to fill again: memory outside the heap is given back late. */
const spare: PlainListingsBuilder[] = [];
const SPARE_MAX = 1;

class Condenser {
  #run: Run | null = null;
  #givenUp = false;
  #recordBytes = 0;
  readonly #tops: TopIndex;
  readonly #plain = spare.pop() ?? new PlainListingsBuilder();
  readonly #steps: Step[] = [];
  readonly #rate = new RateCounter();
  #batches: CondensedFile['batches'] = null;

  constructor(mountPath: PathText | null) {
    this.#tops = new TopIndex(mountPath);
  }

  push(record: RawRecord, run: Run): void {
    if (this.#givenUp) return;
    this.#run ??= run;
    if (run !== this.#run || this.#steps.length > STEPS_MAX || this.#recordBytes > RECORD_BYTES_KEPT_MAX)
      this.#givenUp = true;
    else if (record.type !== 'files.batch' || !this.#batch(record)) this.#keep(record);
  }

  finish(): CondensedFile | null {
    const plain = this.#plain.take();
    if (spare.length < SPARE_MAX) spare.push(this.#plain);
    if (this.#givenUp || this.#run === null) return null;
    const { fromByte, toByte, fromSeq, toSeq } = this.#run;
    return {
      run: { fromByte, toByte, fromSeq, toSeq },
      plain,
      tops: this.#tops.names,
      steps: this.#steps,
      batches: this.#batches,
      files: this.#rate.all(),
    };
  }

  #keep(record: RawRecord): void {
    const { seq, durable, id, at, scan, writer, epoch, type, v, prev, crc, dataBytes } = record;
    const header = { seq, durable, id, at, scan, writer, epoch, type, v, prev, crc };
    this.#recordBytes += dataBytes.length;
    // A copy of its own: the buffer it lies in is read into again.
    this.#steps.push({ kind: 'record', header, data: new Uint8Array(dataBytes) });
  }

  /** False: nothing of it is taken, and who knows better has to see the record itself. */
  #batch(record: RawRecord): boolean {
    const rows = this.#plain.length;
    const steps = this.#steps.length;
    const before = this.#steps.at(-1);
    const endBefore = before?.kind === 'plain' ? before.to : 0;
    try {
      const event = decodeEvent(record);
      if (event?.type === 'files.batch' && isOrdinary(event.data)) {
        this.#directories(event.data, record);
        return true;
      }
    } catch {
      // Whatever is wrong with it is said where the record is decoded again.
      this.#plain.truncate(rows);
      this.#steps.length = steps;
      if (before?.kind === 'plain') before.to = endBefore;
    }
    return false;
  }

  #directories({ attempt, directories }: EventData<'files.batch'>, { seq, at, crc }: RawRecord): void {
    let files = 0;
    for (const directory of directories) {
      const listing = listingOf(directory);
      files += listing.files;
      if (!this.#plain.add(listing, this.#tops.of(listing.path)))
        this.#steps.push({ kind: 'listing', attempt, seq, at, listing });
      else this.#stretch(attempt);
    }
    this.#rate.add(Date.parse(at), files);
    const { records = 0, firstAt = at, lastAt = at } = this.#batches ?? {};
    this.#batches = {
      records: records + 1,
      firstAt: at < firstAt ? at : firstAt,
      lastAt: at > lastAt ? at : lastAt,
      last: { seq, crc },
    };
  }

  #stretch(attempt: number): void {
    const last = this.#steps.at(-1);
    if (last?.kind === 'plain' && last.attempt === attempt) last.to = this.#plain.length;
    else this.#steps.push({ kind: 'plain', attempt, to: this.#plain.length });
  }
}

function isOrdinary({ chunk, attempt, directories }: EventData<'files.batch'>): boolean {
  return Number.isInteger(chunk) && chunk > 0 && Number.isInteger(attempt) && directories.length > 0;
}

/** The record of a step, as a reader would give it. */
export function recordOf({ header, data }: Extract<Step, { kind: 'record' }>): RawRecord {
  return new RawRecord(header, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
}
