import { isUtf8 } from 'node:buffer';
import type { PathText } from '../journal/events/index.js';
import { pathBytes } from '../journal/path-text.js';

/**
 * How paths stand in the catalog. Valid UTF-8 stands as it is. Any other path has each invalid byte as `\xHH`, each
 * backslash doubled and `//` at its end, so that no two paths meet; its raw bytes stand beside it.
 */
export interface PathColumn {
  /** Column `path`. */
  text: string;
  /** Column `path_raw`; null where `text` is the path itself. */
  raw: Buffer | null;
}

/** Ends the text of every path that is not valid UTF-8; no other path ends so. */
export const ESCAPED_END = '//';
const BACKSLASH = 0x5c;

/** Length of the valid UTF-8 sequence at `at`, or 0. Overlong forms and surrogates are not valid. */
function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** Invalid bytes as `\xHH`, backslashes doubled; without the end mark. */
function escapeBytes(bytes: Buffer): string {
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0 && bytes[at] !== BACKSLASH) {
      at += length;
      continue;
    }
    text += bytes.toString('utf8', from, at);
    text += length > 0 ? '\\\\' : `\\x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`;
    at += 1;
    from = at;
  }
  return text + bytes.toString('utf8', from);
}

/** A whole absolute path as the catalog shows it. */
export function pathColumn(bytes: Buffer): PathColumn {
  if (isUtf8(bytes)) return { text: bytes.toString('utf8'), raw: null };
  return { text: escapeBytes(bytes) + ESCAPED_END, raw: bytes };
}

/** Where the entries of one directory stand. */
export interface DirectoryKey extends PathColumn {
  bytes: Buffer;
  /** Prefix of entries whose path is valid UTF-8; null where none can be: the directory's own path is not. */
  plainPrefix: string | null;
  /** Prefix of the other entries (which also end in `//`). Equal to `plainPrefix` where nothing needs escaping. */
  escapedPrefix: string;
}

const withSlash = (text: string): string => (text.endsWith('/') ? text : `${text}/`);

/** Of a path that stands as it is. Nearly all keys are such, and most of them are asked for their text alone. */
class PlainKey implements DirectoryKey {
  readonly text: string;
  readonly raw = null;
  #prefix: string | null = null;

  constructor(path: string) {
    this.text = path;
  }

  get bytes(): Buffer {
    return Buffer.from(this.text, 'utf8');
  }

  get plainPrefix(): string {
    return (this.#prefix ??= withSlash(this.text));
  }

  get escapedPrefix(): string {
    return this.plainPrefix.replaceAll('\\', '\\\\');
  }
}

/** @param path absolute, `/` alone is the only one that ends in a slash */
export function directoryKey(path: PathText): DirectoryKey {
  if (typeof path === 'string') return new PlainKey(path);
  const bytes = pathBytes(path);
  if (isUtf8(bytes)) return directoryKey(bytes.toString('utf8'));
  const escaped = escapeBytes(bytes);
  return { text: escaped + ESCAPED_END, raw: bytes, bytes, plainPrefix: null, escapedPrefix: `${escaped}/` };
}

/** The path of an entry. The common case, two plain strings, costs one concatenation. */
export function childPath(directory: DirectoryKey, name: PathText): PathColumn {
  if (typeof name === 'string' && directory.plainPrefix !== null) {
    return { text: directory.plainPrefix + name, raw: null };
  }
  const parent = directory.bytes;
  const slash = parent.at(-1) === 0x2f ? [] : [Buffer.from('/')];
  return pathColumn(Buffer.concat([parent, ...slash, pathBytes(name)]));
}

/** A name as text, as it stands in `path`, without an end mark. */
export function nameText(name: PathText): string {
  if (typeof name === 'string') return name;
  const bytes = pathBytes(name);
  return isUtf8(bytes) ? bytes.toString('utf8') : escapeBytes(bytes);
}

/** The directory a path lies in; null for `/`. */
export function parentPath(path: PathColumn): PathText | null {
  if (path.raw !== null) {
    const slash = path.raw.lastIndexOf(0x2f);
    return slash < 0 || path.raw.length <= 1
      ? null
      : { b64: path.raw.subarray(0, Math.max(1, slash)).toString('base64') };
  }
  const slash = path.text.lastIndexOf('/');
  return slash < 0 || path.text.length <= 1 ? null : path.text.slice(0, Math.max(1, slash));
}

/** A range of `path` (both ends exclusive) and which of the texts in it belong. */
export interface PathRange {
  after: string;
  before: string;
  /** `escaped`: only texts that end in `//`; `plain`: only the others. */
  only: 'plain' | 'escaped' | 'all';
}

/** `0` is the character behind `/`. */
const behind = (prefix: string): string => `${prefix.slice(0, -1)}0`;

/** Every range that entries below a directory can stand in. */
export function rangesBelow(directory: DirectoryKey): PathRange[] {
  const { plainPrefix, escapedPrefix } = directory;
  const escaped = { after: escapedPrefix, before: behind(escapedPrefix) };
  if (plainPrefix === escapedPrefix) return [{ ...escaped, only: 'all' }];
  if (plainPrefix === null) return [{ ...escaped, only: 'escaped' }];
  return [
    { after: plainPrefix, before: behind(plainPrefix), only: 'plain' },
    { ...escaped, only: 'escaped' },
  ];
}

/** Whether a text of the range is that of an entry. A directory that is not UTF-8 has its own text in its range: `…//`. */
export function inRange(range: PathRange, text: string): boolean {
  if (text === ownText(range)) return false;
  return range.only === 'all' || text.endsWith(ESCAPED_END) === (range.only === 'escaped');
}

/** The text of the range's directory, where it is not UTF-8. */
export function ownText(range: PathRange): string {
  return `${range.after}/`;
}

/** The name of the subdirectory that `text` lies in, or null when it lies directly in the range's directory. */
export function subdirectoryIn(range: PathRange, text: string): string | null {
  const slash = text.indexOf('/', range.after.length);
  if (slash <= range.after.length || text.startsWith(ESCAPED_END, slash)) return null;
  return text.slice(range.after.length, slash);
}

/** Behind everything that lies in that subdirectory. */
export function behindSubdirectory(range: PathRange, name: string): string {
  return `${range.after}${name}0`;
}
