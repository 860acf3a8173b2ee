import { decodeEvent } from '../journal/decode-event.js';
import type { EventData, JournalEvent } from '../journal/events/index.js';
import { pathBytes } from '../journal/path-text.js';
import { readWriter } from '../journal/read-writer.js';
import type { RecordHeader } from '../journal/record.js';
import {
  journalDirOf,
  COORDINATOR,
  listScans,
  listSegments,
  listWriters,
  segmentPath,
} from '../journal/segments.js';
import { isDataDirLocked } from './lock.js';
import { VouchedFiles } from './missing-files.js';
import { pathColumn } from './path-column.js';
import { stateOfUnstarted } from './unstarted.js';
import { stat } from 'node:fs/promises';

export interface ScanSummary {
  scan: string;
  /** As the catalog shows paths; null where the journal has lost it. */
  mountPath: string | null;
  /** Empty for the import of a former catalog. */
  mountName: string | null;
  /** UTC, milliseconds; null: not known, or not ended. */
  startedAt: string | null;
  endedAt: string | null;
  outcome: EventData<'scan.completed'>['outcome'] | 'running' | 'interrupted' | 'killed';
  files: number;
  bytes: bigint;
  journalBytes: number;
  /** Of its journal, missing or cut short: what the outcome rests on is not all there any more. */
  missingFiles: number;
}

/** Every scan in the journal, oldest first. Only coordinators' records are read. */
export async function listScanSummaries(dataDir: string): Promise<ScanSummary[]> {
  const journalDir = journalDirOf(dataDir);
  const scans = await listScans(journalDir);
  const running = scans.length > 0 && isDataDirLocked(dataDir);
  const summaries: ScanSummary[] = [];
  for (const scan of scans) {
    const fold = new SummaryFold(scan);
    const vouched = new VouchedFiles();
    for await (const batch of readWriter({ journalDir, scan, writer: COORDINATOR })) {
      for (const { record } of batch) {
        const event = decodeEvent(record);
        if (event === null) continue;
        fold.push(event, record);
        vouched.push(event);
      }
    }
    const isRunning = running && scan === scans.at(-1);
    const usual = fold.stateIfOpen(isRunning);
    const open = usual === null ? await stateOfUnstarted(journalDir, scan) : usual;
    const journalBytes = await scanBytes(journalDir, scan);
    const missingFiles = isRunning ? 0 : await vouched.missing(journalDir, scan);
    summaries.push(fold.summary(open, { journalBytes, missingFiles }));
  }
  return summaries;
}

/** Bytes of a scan's segments. */
export async function scanBytes(journalDir: string, scan: string): Promise<number> {
  let bytes = 0;
  for (const writer of await listWriters(journalDir, scan)) {
    for (const name of await listSegments(journalDir, scan, writer)) {
      bytes += (await stat(segmentPath(journalDir, name))).size;
    }
  }
  return bytes;
}

class SummaryFold {
  readonly #scan: string;
  #started: { data: EventData<'scan.started'>; at: string } | null = null;
  #completed: { data: EventData<'scan.completed'>; at: string } | null = null;
  #interruptedAt: string | null = null;
  #files = 0;
  #bytes = 0n;

  constructor(scan: string) {
    this.#scan = scan;
  }

  push(event: JournalEvent, { at }: RecordHeader): void {
    switch (event.type) {
      case 'scan.started':
        this.#started = { data: event.data, at };
        break;
      case 'scan.resumed':
        this.#interruptedAt = null;
        this.#completed = null;
        break;
      case 'scan.interrupted':
        this.#interruptedAt = at;
        break;
      case 'scan.completed':
        this.#completed = { data: event.data, at };
        break;
      case 'chunk.completed':
        this.#files += event.data.files;
        this.#bytes += BigInt(event.data.bytes);
        break;
      default:
        break;
    }
  }

  /** How it stands where it has no last word; null: its first word is not there, so the records here do not tell. */
  stateIfOpen(running: boolean): 'running' | 'interrupted' | 'killed' | null {
    if (running) return 'running';
    if (this.#started === null && this.#completed === null) return null;
    return this.#interruptedAt !== null ? 'interrupted' : 'killed';
  }

  /** @param open how it stands where it has no last word */
  summary(
    open: ScanSummary['outcome'],
    files: Pick<ScanSummary, 'journalBytes' | 'missingFiles'>,
  ): ScanSummary {
    const done = this.#completed;
    const mount = this.#started === null ? null : pathColumn(pathBytes(this.#started.data.mountPath)).text;
    return {
      scan: this.#scan,
      mountPath: mount,
      mountName: this.#started?.data.mountName ?? null,
      startedAt: this.#started?.at ?? null,
      endedAt: done?.at ?? (open === 'running' ? null : this.#interruptedAt),
      outcome: done?.data.outcome ?? open,
      files: done?.data.files ?? this.#files,
      bytes: done === null ? this.#bytes : BigInt(done.data.bytes),
      ...files,
    };
  }
}
