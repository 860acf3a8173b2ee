import { opendirSync, readdirSync, type Dirent } from 'node:fs';
import { decodeName, isRaw, REPLACEMENT, systemPath } from './names.js';

/** A directory whose own size (bytes, as lstat gives it) is larger is read piece by piece: it may hold very much. */
export const STREAMED_BYTES_MIN = 512n * 1024n;
/** Entries read at once from such a directory. */
export const STREAM_ENTRIES = 1024;
/** Entries of such a directory kept and sorted at once: some megabytes. */
const RUN_ENTRIES = 32 * 1024;

/** What the directory itself says an entry is; `unknown` where its file system does not tell. */
export type EntryKind = 'file' | 'directory' | 'other' | 'unknown';

const KINDS: readonly EntryKind[] = ['file', 'directory', 'other', 'unknown'];

export type OnEntry = (name: string, kind: EntryKind) => void;

interface Typed {
  isFile(): boolean;
  isDirectory(): boolean;
}

export function kindOf(entry: Typed): EntryKind {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other';
}

/**
 * Calls back for each entry of a directory, names as in names.ts.
 * @param path as system calls take it, see place.ts
 * @param onRead called now and then while a big directory is read
 * @throws the system's error when the listing cannot be read to its end
 */
export function readEntries(path: string, big: boolean, onEntry: OnEntry, onRead: () => void): void {
  if (big) readStreamed(path, onEntry, onRead);
  else if (isRaw(path)) readRaw(path, onEntry);
  else readText(path, onEntry);
}

/** Names decoded by Node are fastest; where one of them may not be valid UTF-8, all are read again as bytes. */
function readText(path: string, onEntry: OnEntry): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    // Where the file system tells no types Node asks for each entry's, and one bad entry fails them all.
    readRaw(path, onEntry);
    return;
  }
  for (const entry of entries) {
    if (entry.name.includes(REPLACEMENT)) {
      readRaw(path, onEntry);
      return;
    }
  }
  for (const entry of entries) onEntry(entry.name, kindOf(entry));
}

function readRaw(path: string, onEntry: OnEntry): void {
  for (const name of readdirSync(systemPath(path), { encoding: 'buffer' }))
    onEntry(decodeName(name), 'unknown');
}

/**
 * In runs that are sorted each: the kernel gives such a directory in the order of a hash, and a catalog that takes a
 * million rows in that order writes every page of it again and again.
 */
function readStreamed(path: string, onEntry: OnEntry, onRead: () => void): void {
  // The types of Node know text only; with this encoding names are buffers.
  const encoding = 'buffer' as BufferEncoding;
  const directory = opendirSync(systemPath(path), { encoding, bufferSize: STREAM_ENTRIES });
  try {
    let run: string[] = [];
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      // No name holds a NUL, so that the kind behind it changes nothing in the order.
      run.push(`${decodeName(entry.name as unknown as Buffer)}\0${KINDS.indexOf(kindOf(entry))}`);
      if (run.length % STREAM_ENTRIES === 0) onRead();
      if (run.length < RUN_ENTRIES) continue;
      handOut(run, onEntry);
      run = [];
    }
    handOut(run, onEntry);
  } finally {
    directory.closeSync();
  }
}

function handOut(run: string[], onEntry: OnEntry): void {
  for (const entry of run.sort()) onEntry(entry.slice(0, -2), KINDS[Number(entry.at(-1))] ?? 'unknown');
}
