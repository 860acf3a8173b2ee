import { opendirSync, readdirSync, type Dirent } from 'node:fs';
import { decodeName, isRaw, REPLACEMENT, systemPath } from './names.js';

/** A directory whose own size (bytes, as lstat gives it) is larger is read piece by piece: it may hold very much. */
export const STREAMED_BYTES_MIN = 512n * 1024n;
/** Entries read at once from such a directory. */
export const STREAM_ENTRIES = 1024;

/** What the directory itself says an entry is; `unknown` where its file system does not tell. */
export type EntryKind = 'file' | 'directory' | 'other' | 'unknown';

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
 * @throws the system's error when the listing cannot be read to its end
 */
export function readEntries(path: string, big: boolean, onEntry: OnEntry): void {
  if (big) readStreamed(path, onEntry);
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

function readStreamed(path: string, onEntry: OnEntry): void {
  // The types of Node know text only; with this encoding names are buffers.
  const encoding = 'buffer' as BufferEncoding;
  const directory = opendirSync(systemPath(path), { encoding, bufferSize: STREAM_ENTRIES });
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      onEntry(decodeName(entry.name as unknown as Buffer), kindOf(entry));
    }
  } finally {
    directory.closeSync();
  }
}
