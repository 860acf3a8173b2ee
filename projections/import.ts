import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { newScanId } from '../journal/ids.js';
import { EVENT_VERSIONS } from '../journal/event-versions.js';
import { decodeEvent } from '../journal/decode-event.js';
import type { EventData } from '../journal/events/index.js';
import { readWriter } from '../journal/read-writer.js';
import {
  journalDirOf,
  COORDINATOR,
  IMPORT,
  listScans,
  listWriters,
  type SegmentPosition,
} from '../journal/segments.js';
import type { FileOwner } from '../journal/storage.js';
import { JournalWriter, type JournalWriterOptions } from '../journal/writer.js';
import { FormerCatalog, isFormerCatalog } from './former-catalog.js';

export interface ImportOptions {
  dataDir: string;
  databaseName: string;
  owner?: FileOwner;
}

/** Payload that may wait for the disk: the import runs in bounded memory. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Takes a catalog of the former system into the journal, as events: a scan of its own. The catalog itself is not
 * touched; it is rebuilt from the journal afterwards, by whoever projects next. Killed on the way, it begins again
 * the next time; done once, it is not done again. The caller holds the data directory's lock.
 * @returns null where there is none, or where it is in the journal already
 * @throws ProjectionError, JournalError
 */
export async function importFormerCatalog(
  options: ImportOptions,
): Promise<{ scan: string; rows: number } | null> {
  const catalog = join(options.dataDir, options.databaseName);
  if (!isFormerCatalog(catalog)) return null;
  const sha256 = await sha256Of(catalog);
  const journalDir = journalDirOf(options.dataDir);
  if (await isImported(journalDir, sha256)) return null;
  const former = new FormerCatalog(catalog);
  try {
    const scan = await newScanId(journalDir);
    await writeImport(former, { catalog, sha256, journalDir, scan, ...options });
    return { scan, rows: former.rows };
  } finally {
    former.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path)) hash.update(block as Buffer);
  return hash.digest('hex');
}

/** Whether a finished import of exactly this file is in the journal. */
async function isImported(journalDir: string, sha256: string): Promise<boolean> {
  for (const scan of await listScans(journalDir)) {
    if (!(await listWriters(journalDir, scan)).includes(IMPORT)) continue;
    const imported = await eventsOf(journalDir, scan, IMPORT, 'catalog.imported');
    const completed = await eventsOf(journalDir, scan, COORDINATOR, 'scan.completed');
    if (completed && imported?.sha256 === sha256) return true;
  }
  return false;
}

/** The first event of that type that a writer wrote. */
async function eventsOf<T extends 'catalog.imported' | 'scan.completed'>(
  journalDir: string,
  scan: string,
  writer: string,
  type: T,
): Promise<EventData<T> | null> {
  for await (const batch of readWriter({ journalDir, scan, writer })) {
    for (const { record } of batch) {
      const event = decodeEvent(record);
      if (event?.type === type) return event.data as EventData<T>;
    }
  }
  return null;
}

interface ImportJob extends ImportOptions {
  catalog: string;
  sha256: string;
  journalDir: string;
  scan: string;
}

async function writeImport(former: FormerCatalog, job: ImportJob): Promise<void> {
  // The schemas take a while to load, and hardly anyone has a former catalog.
  const { validateEvent } = await import('../journal/validate.js');
  const common: Omit<JournalWriterOptions, 'writer' | 'coordinator'> = {
    journalDir: job.journalDir,
    scan: job.scan,
    hostname: hostname(),
    epoch: 1,
    previous: null,
    validate: validateEvent,
    ...(job.owner === undefined ? {} : { owner: job.owner }),
  };
  const coordinator = await JournalWriter.open({ ...common, writer: COORDINATOR, coordinator: null });
  const { epoch, seq, crc } = await coordinator.append('scan.started', {
    mountPath: job.catalog,
    mountName: '',
    engine: 'process',
    options: { import: true },
    host: { hostname: hostname(), bootId: '', cpus: availableParallelism(), memoryBytes: totalmem() },
  });
  const writer = await JournalWriter.open({ ...common, writer: IMPORT, coordinator: { epoch, seq, crc } });
  await writer.append('catalog.imported', {
    path: job.catalog,
    sha256: job.sha256,
    rows: former.rows,
    scanStats: former.scanStats(),
  });
  const totals = await writeRows(former, writer);
  const seal = await writer.close();
  await coordinator.append('writer.progressed', { writer: IMPORT, ...bare(seal) });
  await coordinator.append('scan.completed', {
    outcome: 'complete',
    ...totals,
    problems: 0,
    chunks: { planned: 0, completed: 0, failed: 0 },
  });
  await coordinator.close();
}

function bare({ epoch, segment, bytes, seq, crc }: SegmentPosition): SegmentPosition {
  return { epoch, segment, bytes, seq, crc };
}

async function writeRows(
  former: FormerCatalog,
  writer: JournalWriter,
): Promise<{ files: number; directories: number; bytes: string }> {
  const pending: Promise<unknown>[] = [];
  for (const json of former.batches()) {
    pending.push(writer.appendJson('files.batch', EVENT_VERSIONS['files.batch'], Buffer.from(json)));
    if (writer.pendingBytes < PENDING_BYTES_MAX) continue;
    await Promise.all(pending);
    pending.length = 0;
  }
  await Promise.all(pending);
  return { files: former.rows, directories: 0, bytes: String(former.bytes) };
}
