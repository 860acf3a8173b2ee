import { isUtf8 } from 'node:buffer';
import { toPathText } from '../../journal/path-text.js';
import type { PathText } from '../../journal/events/index.js';

/**
 * Names and paths inside the walk are strings that keep every byte: what is valid UTF-8 stands as it is, and in
 * any other name each byte from 0x80 on stands as the lone surrogate U+DC00 + byte (no decoder yields those).
 */
const ESCAPE_BASE = 0xdc00;
const SLASH = 0x2f;
const RUNS = /[\u{dc80}-\u{dcff}]+|[^\u{dc80}-\u{dcff}]+/gu;
/** What Node's decoder puts in place of bytes that are not UTF-8 (and what a name may hold by right). */
export const REPLACEMENT = '\ufffd';

/** Of a path each name is decoded for itself, so that a path has one form only. */
export function decodeName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const slash = bytes.indexOf(SLASH);
  if (slash === -1) return escapeName(bytes);
  return `${decodeName(bytes.subarray(0, slash))}/${decodeName(bytes.subarray(slash + 1))}`;
}

function escapeName(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte < 0x80 ? byte : ESCAPE_BASE + byte);
  return text;
}

/** Whether the name holds bytes that no string for the file system can carry. */
export function isRaw(text: string): boolean {
  return !text.isWellFormed();
}

export function nameBytes(text: string): Buffer {
  if (!isRaw(text)) return Buffer.from(text, 'utf8');
  return Buffer.concat(
    Array.from(text.matchAll(RUNS), ([run]) =>
      isRaw(run)
        ? Buffer.from(Array.from(run, (char) => char.charCodeAt(0) - ESCAPE_BASE))
        : Buffer.from(run, 'utf8'),
    ),
  );
}

/** A path as Node's file system calls take it. */
export function systemPath(text: string): string | Buffer {
  return isRaw(text) ? nameBytes(text) : text;
}

export function nameFromJournal(text: PathText): string {
  return typeof text === 'string' ? text : decodeName(Buffer.from(text.b64, 'base64'));
}

export function nameForJournal(text: string): PathText {
  return isRaw(text) ? toPathText(nameBytes(text)) : text;
}

/** The JSON text of a name in the journal. */
export function nameJson(text: string): string {
  return isRaw(text) ? JSON.stringify(nameForJournal(text)) : JSON.stringify(text);
}

export function joinPath(directory: string, name: string): string {
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}
