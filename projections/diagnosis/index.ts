import { decodeEvent } from '../../journal/decode-event.js';
import { JournalError } from '../../journal/errors.js';
import { EVENT_VERSIONS, isBookkeeping, isEventType } from '../../journal/event-versions.js';
import type { JournalEvent } from '../../journal/events/index.js';
import type { RawRecord } from '../../journal/record.js';
import { COORDINATOR } from '../../journal/segments.js';
import { openingIn } from '../../journal/testimony.js';
import { absorb } from './absorb.js';
import { Commands } from './commands.js';
import type { FindingContext, FindingMaker } from './context.js';
import type { LiveContext } from './live.js';
import { ScanFacts, type ChunkFacts } from './facts.js';
import { analysisFindings } from './findings/analysis.js';
import { catalogFindings } from './findings/catalog.js';
import { coverageFindings } from './findings/coverage.js';
import { engineFindings } from './findings/engine.js';
import { journalFindings } from './findings/journal.js';
import { mountFindings } from './findings/mount.js';
import { scanFindings } from './findings/scan.js';
import { spaceFindings } from './findings/space.js';
import { workerFindings } from './findings/workers.js';
import type { CondensedFile, Step } from './condense.js';
import { DirectoryLedger } from './ledger.js';
import type { JournalReport } from './report.js';
import { CLEAR, type Show } from './show.js';
import { sentenceOf, severestFirst, totalsOf } from './summary.js';
import type { Diagnosis, Evidence } from './types.js';
import { judge, prove } from './verdict.js';
import { WriteWatch } from './write-watch.js';

export { isDone } from './facts.js';
export type { CatalogView, LiveContext } from './live.js';
export type { JournalReport } from './report.js';
export { CLEAR, masked, type Show } from './show.js';
export type { TopCoverage } from './tops.js';
export type { Diagnosis, Evidence, Finding, FindingCode, Verdict } from './types.js';

/** The record of a reader, as far as diagnosis needs it. */
export interface DiagnosisRecord {
  record: RawRecord;
  /** Relative to the journal's folder. */
  file: string;
}

export interface DiagnosisOptions {
  scan: string | null;
  /** For commands that can be pasted; null: not known. */
  dataDir: string | null;
  /** Our own commands find that data directory without being told. */
  isUsual?: boolean;
  show?: Show;
}

/** Nothing but the journal. */
export const NOT_LIVE: LiveContext = { locked: false, boot: null, unwritable: null, catalog: null };

/** In this order; which one explains which is decided afterwards. */
const MAKERS: readonly FindingMaker[] = [
  scanFindings,
  spaceFindings,
  mountFindings,
  engineFindings,
  workerFindings,
  journalFindings,
  coverageFindings,
  catalogFindings,
  analysisFindings,
];

/**
 * Folds the records of one scan, in the order of a reader at rest (coordinator, import, workers), into what became
 * of it and why. Memory is some 40 bytes a directory and bounded otherwise.
 */
export class DiagnosisFold {
  readonly facts = new ScanFacts();
  readonly ledger = new DirectoryLedger();
  readonly #options: DiagnosisOptions;
  readonly #settled = new Set<string>();
  readonly #writes = new WriteWatch(this.facts.incidents);
  #records = 0;
  #strange = 0;
  #newer = 0;
  #firstAt: string | null = null;
  #lastAt: string | null = null;

  constructor(options: DiagnosisOptions) {
    this.#options = options;
  }

  /**
   * Takes one record and gives its event, so that nobody has to decode it again; null for one that this program does
   * not know, or not in that version.
   */
  push(read: DiagnosisRecord): JournalEvent | null {
    const { record, file } = read;
    const { at, type } = record;
    this.pushSpan({ records: 1, firstAt: at, lastAt: isBookkeeping(type) ? (this.#lastAt ?? at) : at });
    const evidenceOf = (text: string): Evidence => ({ file, seq: record.seq, at: record.at, text });
    try {
      const event = decodeEvent(record);
      if (event !== null) this.#event(event, record, evidenceOf);
      return event;
    } catch (error) {
      if (error instanceof JournalError) {
        if (error.code !== 'newer-version') throw error;
        // A report is wanted whatever is in the journal: it names the version, and proves nothing without it.
        this.#newer += 1;
        const detail = newerThing(record);
        this.facts.incidents.add('journal.newer-version', { evidence: evidenceOf(detail), detail });
        return null;
      }
      // A whole record with a payload no program of ours writes: nothing can be concluded from it.
      this.#strange += 1;
      const words = error instanceof Error ? error.message : String(error);
      this.facts.incidents.add('journal.damaged', { evidence: evidenceOf(`not understood (${words})`) });
      return null;
    }
  }

  /** Takes rows of a worker's file, each a directory that one of its batches listed whole. */
  pushPlain(
    writer: string,
    attempt: number,
    { plain, tops }: Pick<CondensedFile, 'plain' | 'tops'>,
    rows: { from: number; to: number },
  ): void {
    this.#writes.pushListed(writer, attempt);
    this.ledger.begin(writer, attempt);
    this.ledger.addPlain(plain, tops, rows);
  }

  /** Takes one directory, or one part of it, of a batch. */
  pushListing(writer: string, file: string, listed: Extract<Step, { kind: 'listing' }>): void {
    const { attempt, seq, at, listing } = listed;
    this.#writes.pushListed(writer, attempt);
    this.ledger.begin(writer, attempt);
    this.ledger.add(listing, (text) => ({ file, seq, at, text }));
  }

  /** Counts the records whose directories came one by one. */
  pushSpan(span: { records: number; firstAt: string; lastAt: string }): void {
    this.#records += span.records;
    if (this.#firstAt === null || span.firstAt < this.#firstAt) this.#firstAt = span.firstAt;
    if (this.#lastAt === null || span.lastAt > this.#lastAt) this.#lastAt = span.lastAt;
  }

  #event(event: JournalEvent, record: RawRecord, evidenceOf: (text: string) => Evidence): void {
    this.#writes.push(event, record.writer, record.epoch, evidenceOf);
    if (event.type === 'files.batch') this.ledger.push(event.data, record.writer, evidenceOf);
    else if (record.writer === COORDINATOR) {
      if (event.type === 'writer.settled') this.#settled.add(`${event.data.writer}/${event.data.epoch}`);
      if (event.type === 'scan.started') this.ledger.mount = event.data.mountPath;
      this.facts.push(event, evidenceOf);
    }
  }

  /** What became of the scan. Can be asked again with other live facts. */
  finish(report: JournalReport, live: LiveContext = NOT_LIVE): Diagnosis {
    const { facts, ledger } = this;
    const { scan, dataDir, isUsual = false, show = CLEAR } = this.#options;
    facts.attempts.finish();
    const totals = ledger.totals();
    const proof = prove({
      facts,
      ledger,
      totals,
      report,
      settled: this.#settled,
      strange: this.#strange,
      newer: this.#newer,
    });
    const nothing = report.segments.length === 0 && report.records === 0;
    const verdict = nothing ? 'none' : judge(facts, proof, totals, live);
    const commands = new Commands({ dataDir, isUsual, started: facts.started, redacted: show.redacted });
    // A report can be asked for again: what it concludes is not told to the next one.
    const incidents = facts.incidents.copy();
    const context: FindingContext = {
      facts,
      incidents,
      ledger,
      totals,
      report,
      live,
      proof,
      verdict,
      commands,
      show,
    };
    const findings = nothing ? [] : absorb(MAKERS.flatMap((make) => make(context)));
    return {
      scan,
      verdict,
      sentence: sentenceOf(context),
      mountPath: facts.started?.mountPath ?? null,
      mountName: facts.started === null ? '' : show.name(facts.started.mountName),
      engine: facts.started?.engine ?? '',
      startedAt: this.#firstAt,
      endedAt: verdict === 'running' ? null : this.#lastAt,
      totals: totalsOf(totals, { records: this.#records, firstAt: this.#firstAt, lastAt: this.#lastAt }),
      chunks: chunkCounts([...facts.chunks.values()]),
      findings: severestFirst(findings),
    };
  }
}

function chunkCounts(chunks: readonly ChunkFacts[]): Diagnosis['chunks'] {
  const count = (wanted: ChunkFacts['state']): number =>
    chunks.filter(({ state }) => state === wanted).length;
  return { planned: chunks.length - count('split'), completed: count('completed'), failed: count('failed') };
}

/** What of a record is too new: its payload, or the format of the segment that it opens. */
function newerThing(record: RawRecord): string {
  const { type, v } = record;
  if (isEventType(type) && v > EVENT_VERSIONS[type]) return `${type} version ${v}`;
  return `${type} format ${openingIn(record)?.format ?? 'unknown'}`;
}
