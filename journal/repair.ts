import { decodeEvent } from './decode-event.js';
import type { EventData } from './events/index.js';
import { newScanId } from './ids.js';
import { ownerFromEnvironment } from './owner.js';
import { copyOut, cutOff, quarantineName, type ByteRange } from './quarantine.js';
import { ScanReader } from './reader.js';
import { recoverScan, type ScanReport } from './recovery.js';
import { COORDINATOR } from './segments.js';
import { endOfWriter } from './settle.js';
import { JournalWriter, type JournalWriterOptions } from './writer.js';

/** One place that repair takes care of. */
export interface RepairStep extends ByteRange {
  scan: string;
  /** Relative to the quarantine. */
  quarantine: string;
  /** Cut off behind the copy; else the bytes stay where they are, because sound ones follow. */
  cut: boolean;
}

/** What is done for a scan, or would be. */
export interface Repair {
  steps: RepairStep[];
  /** Files that a newer program began: what seems bad there may be sound to that one, so they are left as they are. */
  refused: { scan: string; file: string }[];
}

export interface RepairOptions {
  journalDir: string;
  quarantineDir: string;
  scan: string;
  hostname: string;
  /** Checks what is journaled. */
  validate?: JournalWriterOptions['validate'];
}

type Repaired = EventData<'journal.repaired'>;

/** What repair would do for a scan: every bad stretch is copied, those that end a file torn are cut off. */
export async function planRepair(journalDir: string, scan: string): Promise<Repair> {
  const report = await recoverScan(journalDir, scan);
  const refused = report.segments.filter(({ newerFormat, badRanges }) => newerFormat && badRanges.length > 0);
  return { steps: stepsOf(report), refused: refused.map(({ file }) => ({ scan, file })) };
}

function stepsOf(report: ScanReport): RepairStep[] {
  const steps: RepairStep[] = [];
  for (const { file, badRanges, tornFromByte, state, newerFormat } of report.segments) {
    if ((state === 'lost' && badRanges.length === 0) || newerFormat) continue;
    for (const { fromByte, toByte, unreadable } of badRanges) {
      // What the system does not give can be neither copied nor cut.
      if (toByte === fromByte || unreadable !== null) continue;
      const range = { file, fromByte, toByte };
      steps.push({
        ...range,
        scan: report.scan,
        quarantine: quarantineName(range),
        cut: fromByte === tornFromByte,
      });
    }
  }
  return steps;
}

/**
 * Copies all bad bytes of a scan to the quarantine, then cuts the torn tails off. May be killed at any point
 * and run again: first the copy is on disk, then what happens is journaled, then the file is cut.
 */
export async function repairScan(options: RepairOptions): Promise<Repair> {
  const { journalDir, quarantineDir, scan } = options;
  const steps: RepairStep[] = [];
  const plan = await planRepair(journalDir, scan);
  for (const step of plan.steps)
    steps.push({ ...step, quarantine: await copyOut(journalDir, quarantineDir, step) });
  const cuts = steps.filter(({ cut }) => cut);
  if (cuts.length > 0) await journalRepair(options, cuts);
  for (const step of cuts) await cutOff(journalDir, quarantineDir, step, step.quarantine);
  return { ...plan, steps };
}

/** Writes what a killed run has not written yet. */
async function journalRepair(options: RepairOptions, cuts: readonly RepairStep[]): Promise<void> {
  const { journalDir, scan } = options;
  const known = await repairsIn(journalDir, scan);
  const missing = cuts.map(eventOf).filter((event) => !known.some((other) => isSame(event, other)));
  if (missing.length === 0) return;
  const writer = await openWriter(options);
  for (const event of missing) await writer.append('journal.repaired', event);
  await writer.close();
}

function eventOf({ file, fromByte, toByte, quarantine }: RepairStep): Repaired {
  return { file, fromByte, toByte, quarantine };
}

function isSame(a: Repaired, b: Repaired): boolean {
  return (
    a.file === b.file && a.fromByte === b.fromByte && a.toByte === b.toByte && a.quarantine === b.quarantine
  );
}

async function repairsIn(journalDir: string, scan: string): Promise<Repaired[]> {
  const found: Repaired[] = [];
  const reader = new ScanReader({ journalDir, scan, writers: [COORDINATOR], hash: false });
  for await (const batch of reader.batches()) {
    for (const { record } of batch) {
      const event = record.type === 'journal.repaired' ? decodeEvent(record) : null;
      if (event?.type === 'journal.repaired') found.push(event.data);
    }
  }
  return found;
}

/**
 * The next epoch of the scan's coordinator. Where that would take records out of the count (they lie behind
 * a hole, and a new epoch bounds the old one), or where there is no coordinator, a scan of its own.
 */
async function openWriter({ journalDir, scan, hostname, validate }: RepairOptions): Promise<JournalWriter> {
  const { last, nextEpoch } = await endOfWriter(journalDir, scan, COORDINATOR);
  const common = {
    journalDir,
    writer: COORDINATOR,
    hostname,
    coordinator: null,
    owner: ownerFromEnvironment(),
  };
  const options = validate === undefined ? common : { ...common, validate };
  if (last === null || !(await isCoordinatorWhole(journalDir, scan)))
    return JournalWriter.open({ ...options, scan: await newScanId(journalDir), epoch: 1, previous: null });
  const { epoch, segment, seq, crc } = last;
  return JournalWriter.open({ ...options, scan, epoch: nextEpoch, previous: { epoch, segment, seq, crc } });
}

/** Nothing but torn tails is wrong with the coordinator's journal, and no newer program wrote it. */
export async function isCoordinatorWhole(journalDir: string, scan: string): Promise<boolean> {
  const { segments } = await recoverScan(journalDir, scan, { hash: false });
  return segments
    .filter(({ writer }) => writer === COORDINATOR)
    .every(({ state, badRanges, tornFromByte, newerFormat }) => {
      if (state === 'lost' || state === 'damaged' || newerFormat) return false;
      return badRanges.every(({ fromByte }) => fromByte === tornFromByte);
    });
}
