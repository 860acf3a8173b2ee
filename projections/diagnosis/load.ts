import { decodeEvent } from '../../journal/decode-event.js';
import { EarlyRecovery } from '../../journal/early-recovery.js';
import { JournalError } from '../../journal/errors.js';
import type { JournalEvent, PathText } from '../../journal/events/index.js';
import { readWriter } from '../../journal/read-writer.js';
import { batchesOf, type ReadRecord } from '../../journal/reader.js';
import {
  recover,
  type CountedFile,
  type Recovered,
  type ScanReport,
  type SurveyedSegment,
} from '../../journal/recover.js';
import { surveyTasks } from '../../journal/recovery.js';
import { COORDINATOR, segmentFile } from '../../journal/segments.js';
import { surveyInOrder } from '../../journal/survey-pool.js';
import { condenseFile, recordOf, type CondensedFile } from './condense.js';
import { DiagnosisFold, type DiagnosisOptions } from './index.js';

/** Threads beside this one. */
const THREADS = 1;

const CONDENSING = { here: condenseFile, program: new URL('./condense-thread.js', import.meta.url) };

export interface LoadedScan {
  fold: DiagnosisFold;
  report: ScanReport;
}

/** Whoever wants more from the same pass. */
export interface Companion {
  record(read: Pick<ReadRecord, 'record'>, event: JournalEvent | null): void;
  /** Batches of one worker's file, as far as they are not told one by one. */
  batches(file: CondensedFile, of: CountedFile): void;
}

/**
 * Reads one scan at rest into a diagnosis. A scan that runs can be read too: it is then diagnosed as of now.
 * @throws JournalError `io`
 */
export async function loadScan(
  journalDir: string,
  options: DiagnosisOptions & { scan: string },
  companion?: Companion,
): Promise<LoadedScan> {
  const loading = new Loading(journalDir, options, companion);
  // A seal's hash says no more than the checksums of its records do; `verify` recomputes it.
  const { tasks: files, unlisted } = await surveyTasks(journalDir, options.scan, { hash: false });
  const mountPath = await mountOf(journalDir, options.scan);
  const tasks = files.map((file) => ({ ...file, mountPath }));
  let at = 0;
  for await (const answer of surveyInOrder(CONDENSING, tasks, THREADS)) {
    const name = tasks[at]?.name;
    const isLast = name?.writer !== tasks[at + 1]?.name.writer;
    at += 1;
    if (answer !== null && name !== undefined)
      loading.surveyed({ name, survey: answer.survey }, answer.condensed);
    if (isLast) await loading.writer();
  }
  return loading.finish(unlisted);
}

/** The mount of a scan; null where its journal does not begin with it: then directories are told apart by nothing. */
async function mountOf(journalDir: string, scan: string): Promise<PathText | null> {
  try {
    for await (const batch of readWriter({ journalDir, scan, writer: COORDINATOR })) {
      const started = batch.find(({ record }) => record.type === 'scan.started');
      const event = started === undefined ? null : decodeEvent(started.record);
      return event?.type === 'scan.started' ? event.data.mountPath : null;
    }
  } catch (error) {
    // What is wrong with the journal is found, and told, by who reads all of it.
    if (!(error instanceof JournalError)) throw error;
  }
  return null;
}

/**
 * Takes the files of a scan in reading order. Those of workers come condensed, in the pass that surveyed them; one that
 * does not count as it stands, or has too much to tell, is read once more, record by record.
 */
class Loading {
  readonly #journalDir: string;
  readonly #scan: string;
  readonly #fold: DiagnosisFold;
  readonly #companion: Companion | undefined;
  readonly #surveyed: SurveyedSegment[] = [];
  /** Of the writer at hand. */
  #own: SurveyedSegment[] = [];
  #condensed = new Map<string, CondensedFile>();
  #early = new EarlyRecovery([]);

  constructor(
    journalDir: string,
    options: DiagnosisOptions & { scan: string },
    companion: Companion | undefined,
  ) {
    this.#journalDir = journalDir;
    this.#scan = options.scan;
    this.#fold = new DiagnosisFold(options);
    this.#companion = companion;
  }

  surveyed(segment: SurveyedSegment, condensed: CondensedFile | null): void {
    this.#surveyed.push(segment);
    this.#own.push(segment);
    if (condensed !== null) this.#condensed.set(segmentFile(segment.name), condensed);
  }

  /** All files of a writer are surveyed: reads what counts of them. */
  async writer(): Promise<void> {
    const own = this.#own;
    const condensed = this.#condensed;
    this.#own = [];
    this.#condensed = new Map();
    if (own.length === 0) return;
    if (own[0]?.name.writer === COORDINATOR) this.#early = new EarlyRecovery(own);
    const { counted, repeated } = this.#early.of(own);
    for (const each of counted) {
      const file = condensed.get(each.file);
      if (file !== undefined && countsWhole(file, each, repeated)) this.#readCondensed(file, each);
      else await this.#readRecords(each, repeated);
    }
  }

  finish(unlisted: readonly SurveyedSegment[]): LoadedScan {
    return { fold: this.#fold, report: recover(this.#scan, [...this.#surveyed, ...unlisted]).report };
  }

  #readCondensed(condensed: CondensedFile, counted: CountedFile): void {
    const { writer } = counted.name;
    const { file } = counted;
    let from = 0;
    for (const step of condensed.steps) {
      if (step.kind === 'record') this.#record({ record: recordOf(step), file });
      else if (step.kind === 'listing') this.#fold.pushListing(writer, file, step);
      else {
        this.#fold.pushPlain(writer, step.attempt, condensed, { from, to: step.to });
        from = step.to;
      }
    }
    if (condensed.batches !== null) this.#fold.pushSpan(condensed.batches);
    this.#companion?.batches(condensed, counted);
  }

  async #readRecords(counted: CountedFile, repeated: Recovered['repeated']): Promise<void> {
    for await (const batch of batchesOf(this.#journalDir, counted, repeated, true)) {
      for (const read of batch) this.#record(read);
    }
  }

  #record(read: Pick<ReadRecord, 'record' | 'file'>): void {
    const event = this.#fold.push(read);
    this.#companion?.record(read, event);
  }
}

function countsWhole(
  { run }: CondensedFile,
  { name, extents }: CountedFile,
  repeated: Recovered['repeated'],
): boolean {
  const [extent, ...more] = extents;
  if (extent === undefined || more.length > 0 || repeated.has(`${name.writer}/${name.epoch}`)) return false;
  const { fromByte, toByte, fromSeq, toSeq } = extent;
  return run.fromByte === fromByte && run.toByte === toByte && run.fromSeq === fromSeq && run.toSeq === toSeq;
}
