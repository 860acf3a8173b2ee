import { logLine } from './log-line.js';

/** Frame of Docker's log stream: one byte of stream type, three zero bytes, four bytes of length. */
const FRAME_HEADER_BYTES = 8;

/**
 * Turns Docker's multiplexed log into lines, oldest first. A body without frames (a container with a terminal,
 * or an engine that does not multiplex) is taken as it is.
 */
export function logLines(body: Buffer, linesMax: number): string[] {
  const text = (isFramed(body) ? Buffer.concat(frames(body)) : body).toString('utf8');
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.slice(-linesMax).map(logLine);
}

function isFramed(body: Buffer): boolean {
  if (body.length < FRAME_HEADER_BYTES) return false;
  return (body[0] ?? 9) <= 2 && body[1] === 0 && body[2] === 0 && body[3] === 0;
}

/** The payload of every whole frame; a frame that is cut short gives what is there. One pass, no copies. */
function frames(body: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + FRAME_HEADER_BYTES <= body.length) {
    const length = body.readUInt32BE(at + 4);
    at += FRAME_HEADER_BYTES;
    parts.push(body.subarray(at, at + length));
    at += length;
  }
  return parts;
}

/** Splits a stream into lines whatever the chunks it arrives in; a line beyond the limit is dropped. */
export class LineSplitter {
  readonly #charsMax: number;
  #rest = '';

  constructor(charsMax = 1024 * 1024) {
    this.#charsMax = charsMax;
  }

  push(chunk: string): string[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > this.#charsMax) this.#rest = '';
    return lines.filter((line) => line.trim() !== '');
  }
}
