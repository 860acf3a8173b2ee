import { isUtf8 } from 'node:buffer';
import type { PathText } from './events/index.js';

/** How a path or name stands in the journal: plain where its bytes are valid UTF-8, else base64. */
export function toPathText(bytes: Buffer): PathText {
  return isUtf8(bytes) ? bytes.toString('utf8') : { b64: bytes.toString('base64') };
}

/** The raw bytes of a path or name from the journal. */
export function pathBytes(text: PathText): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text.b64, 'base64');
}

/** A key for maps: equal exactly when the bytes are. */
export function pathKey(text: PathText): string {
  return typeof text === 'string' ? text : `\0${text.b64}`;
}
