import { chainOf } from './chain.js';
import { classifyEpoch } from './classify.js';
import type { Run, SegmentSurvey } from './pieces.js';
import { SegmentFindings, type SegmentReport } from './segment-report.js';
import { compareWriters, COORDINATOR, segmentFile, type SegmentName } from './segments.js';
import { Witnesses, type EpochSurvey } from './witness.js';

export type { SegmentReport, SegmentState } from './segment-report.js';

/** What recovery makes of a whole scan. */
export interface ScanReport {
  scan: string;
  /** Nothing is damaged or lost. */
  sound: boolean;
  /** Distinct records that count. */
  records: number;
  /** By writer, epoch and segment; a file that is gone has an entry too. */
  segments: SegmentReport[];
  /** Types this program does not know, with how often they came. */
  unknownTypes: Record<string, number>;
  /** The same of events whose version is newer than this program: as `type vN`. */
  newerVersions: Record<string, number>;
}

/** A stretch of a file whose records count, as long as their seq is not beyond `toSeq`. */
export interface Extent {
  fromByte: number;
  toByte: number;
  fromSeq: number;
  toSeq: number;
}

/** What of one file counts. */
export interface CountedFile {
  name: SegmentName;
  file: string;
  extents: Extent[];
}

export interface Recovered {
  report: ScanReport;
  /** In reading order: coordinator, import, workers; then epoch, segment. */
  counted: CountedFile[];
  /** Per `writer/epoch` the ids of its records that an earlier epoch of the writer holds already. */
  repeated: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface SurveyedSegment {
  name: SegmentName;
  survey: SegmentSurvey;
}

/** Recovers a scan from the surveys of all its segments. Pure; see FORMAT.md for the rules. */
export function recover(scan: string, surveyed: readonly SurveyedSegment[]): Recovered {
  const epochs = epochsOf(surveyed);
  const witnesses = new Witnesses(epochs);
  addNamedEpochs(epochs, witnesses);
  epochs.sort((a, b) => compareWriters(a.writer, b.writer) || a.epoch - b.epoch);
  const segments: SegmentReport[] = [];
  for (const epoch of epochs) {
    const findings = classifyEpoch(scan, epoch, witnesses.of(epoch.writer, epoch.epoch));
    for (const finding of findings) segments.push(finding.report());
  }
  if (surveyed.length > 0 && !epochs.some(({ writer }) => writer === COORDINATOR))
    segments.unshift(coordinatorGone(scan));
  const { counted, repeated } = whatCounts(epochs, witnesses);
  let records = segments.reduce((sum, segment) => sum + segment.records, 0);
  for (const ids of repeated.values()) records -= ids.size;
  const sound = segments.every(({ state }) => state !== 'damaged' && state !== 'lost');
  const unknownTypes = sumOf(epochs, (run) => run.unknownTypes);
  const newerVersions = sumOf(epochs, (run) => run.newerVersions);
  const report = { scan, sound, records, segments, unknownTypes, newerVersions };
  return { report, counted, repeated };
}

/** What of some epochs counts, by what is known of them. */
export function whatCounts(
  epochs: readonly EpochSurvey[],
  witnesses: Witnesses,
): Pick<Recovered, 'counted' | 'repeated'> {
  const counted = epochs.flatMap((epoch) => countedIn(epoch, witnesses));
  return { counted, repeated: repeatedIds(epochs, witnesses) };
}

/** Surveys by writer and epoch, with what of each epoch links up. */
export function epochsOf(surveyed: readonly SurveyedSegment[]): EpochSurvey[] {
  const found = new Map<string, EpochSurvey>();
  for (const { name, survey } of surveyed) {
    const key = `${name.writer}/${name.epoch}`;
    const epoch = found.get(key) ?? { writer: name.writer, epoch: name.epoch, files: [], links: [] };
    epoch.files.push({ name, survey });
    found.set(key, epoch);
  }
  for (const epoch of found.values()) {
    epoch.files.sort((a, b) => a.name.segment - b.name.segment);
    epoch.links = chainOf(epoch.files.map(({ survey }) => survey));
  }
  return [...found.values()];
}

/** Epochs that have no file any more, but a witness. */
function addNamedEpochs(epochs: EpochSurvey[], witnesses: Witnesses): void {
  for (const writer of witnesses.writers()) {
    for (const epoch of witnesses.epochsOf(writer)) {
      if (!epochs.some((known) => known.writer === writer && known.epoch === epoch))
        epochs.push({ writer, epoch, files: [], links: [] });
    }
  }
}

function coordinatorGone(scan: string): SegmentReport {
  const findings = new SegmentFindings({ scan, writer: COORDINATOR, epoch: 1, segment: 1 }, null);
  findings.flag('lost', 'the coordinator of this scan has no journal');
  return findings.report();
}

function countedIn({ writer, epoch, files, links }: EpochSurvey, witnesses: Witnesses): CountedFile[] {
  const { bound } = witnesses.of(writer, epoch);
  return files.map(({ name }, at) => {
    const extents: Extent[] = [];
    for (const { run, at: of, toSeq, toByte } of links) {
      if (of !== at || run.fromSeq > bound) continue;
      extents.push({ fromByte: run.fromByte, toByte, fromSeq: run.fromSeq, toSeq: Math.min(toSeq, bound) });
    }
    return { name, file: segmentFile(name), extents };
  });
}

/** A record written again after a failed write may be in both epochs: the first one counts. */
function repeatedIds(epochs: readonly EpochSurvey[], witnesses: Witnesses): Map<string, Set<string>> {
  const repeated = new Map<string, Set<string>>();
  let seen = new Set<string>();
  let writerBefore = '';
  for (const { writer, epoch, links } of epochs) {
    if (writer !== writerBefore) seen = new Set();
    writerBefore = writer;
    const { bound } = witnesses.of(writer, epoch);
    const key = `${writer}/${epoch}`;
    for (const { run, toSeq } of links) {
      for (const [seq, id] of run.ids) {
        if (seq > Math.min(toSeq, bound)) break;
        if (!seen.has(id)) seen.add(id);
        else repeated.set(key, (repeated.get(key) ?? new Set()).add(id));
      }
    }
  }
  return repeated;
}

function sumOf(
  epochs: readonly EpochSurvey[],
  countsOf: (run: Run) => Record<string, number>,
): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { links } of epochs) {
    for (const { run } of links)
      for (const [key, count] of Object.entries(countsOf(run))) found[key] = (found[key] ?? 0) + count;
  }
  return found;
}
