import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordRef } from './events/index.js';
import { errnoName } from './storage.js';

/** Name of the journal's folder in a data directory. */
export const JOURNAL_FOLDER = 'journal';
export const COORDINATOR = 'coordinator';
export const IMPORT = 'import';
/** Digits that epochs, segments and chunks have at least in names. */
const NUMBER_DIGITS = 4;

const SCAN_NAME = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const WORKER_NAME = /^worker-(\d{4,})$/;
const SEGMENT_FILE = /^(\d{4,})-(\d{4,})\.ndjson$/;

/** Names one file of the journal. */
export interface SegmentName {
  scan: string;
  writer: string;
  epoch: number;
  segment: number;
}

/** A place in a writer's journal: `bytes` is the offset behind record `seq`, within its segment. */
export interface SegmentPosition extends RecordRef {
  bytes: number;
}

/** A record that is on disk: where, and the time it bears. */
export interface AppendedRecord extends SegmentPosition {
  at: string;
}

/** The journal of a data directory. */
export function journalDirOf(dataDir: string): string {
  return join(dataDir, JOURNAL_FOLDER);
}

function digits(value: number): string {
  return String(value).padStart(NUMBER_DIGITS, '0');
}

/** Path relative to the journal's folder, as reports and positions name a file. */
export function segmentFile({ scan, writer, epoch, segment }: SegmentName): string {
  return `${scan}/${writer}/${digits(epoch)}-${digits(segment)}.ndjson`;
}

export function segmentPath(journalDir: string, name: SegmentName): string {
  return join(journalDir, segmentFile(name));
}

/** The writer of a chunk's segments. */
export function workerName(chunk: number): string {
  return `worker-${digits(chunk)}`;
}

/** The chunk a worker writes for; null for the coordinator and the import. */
export function chunkOfWriter(writer: string): number | null {
  const match = WORKER_NAME.exec(writer);
  return match === null ? null : Number(match[1]);
}

/** Scans of a journal, oldest first; none where the folder is missing. */
export async function listScans(journalDir: string): Promise<string[]> {
  return (await folders(journalDir)).filter((name) => SCAN_NAME.test(name)).sort();
}

/** Writers of a scan: coordinator, import, then workers by number. */
export async function listWriters(journalDir: string, scan: string): Promise<string[]> {
  return (await folders(join(journalDir, scan))).filter((name) => isWriter(name)).sort(compareWriters);
}

function isWriter(name: string): boolean {
  return name === COORDINATOR || name === IMPORT || WORKER_NAME.test(name);
}

/** The order in which the writers of a scan are read. */
export function compareWriters(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || (a < b ? -1 : Number(a > b));
}

function rankOf(writer: string): number {
  if (writer === COORDINATOR) return -2;
  if (writer === IMPORT) return -1;
  return chunkOfWriter(writer) ?? Number.MAX_SAFE_INTEGER;
}

/** Segments of a writer in the order they were written. */
export async function listSegments(journalDir: string, scan: string, writer: string): Promise<SegmentName[]> {
  const found: SegmentName[] = [];
  for (const name of await entries(join(journalDir, scan, writer))) {
    const match = SEGMENT_FILE.exec(name);
    if (match === null) continue;
    const named = { scan, writer, epoch: Number(match[1]), segment: Number(match[2]) };
    // `00001-0001` would be a second name for the same segment: only the canonical one is ours.
    if (segmentFile(named).endsWith(`/${name}`) && named.epoch > 0 && named.segment > 0) found.push(named);
  }
  return found.sort((a, b) => a.epoch - b.epoch || a.segment - b.segment);
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function folders(folder: string): Promise<string[]> {
  try {
    const found = await readdir(folder, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoName(error));
}
