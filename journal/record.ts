import { crc32 } from 'node:zlib';
import { JournalError } from './errors.js';

/** Largest line a reader accepts and a writer writes, LF included. */
export const RECORD_BYTES_MAX = 1024 * 1024;
/** What writers aim at; only a single huge entry goes beyond. */
export const RECORD_BYTES_TARGET = 64 * 1024;
/** `prev` of the first record of an epoch. */
export const NO_PREVIOUS_CRC = '00000000';
/** A line ends in exactly these bytes and LF: `,"crc":"xxxxxxxx"}`. */
const CRC_TAIL_BYTES = 18;
/** `,"prev":"xxxxxxxx"` stands right before it. */
const PREV_TAIL_BYTES = 18;
const LF = 0x0a;
/** The header (all keys before `data`) is shorter than this: every field in it is bounded. */
const HEADER_BYTES_MAX = 512;

/** The keys of a line before and after `data`. */
export interface RecordHeader {
  seq: number;
  /** Highest seq of this writer and epoch known to be on disk when this record was encoded. */
  durable: number;
  id: string;
  /** UTC, milliseconds: `2026-11-23T18:11:02.123Z`. */
  at: string;
  scan: string;
  writer: string;
  epoch: number;
  type: string;
  v: number;
  prev: string;
  crc: string;
}

/** A verified line whose payload is parsed only when someone asks for it. */
export class RawRecord implements RecordHeader {
  readonly seq: number;
  readonly durable: number;
  readonly id: string;
  readonly at: string;
  readonly scan: string;
  readonly writer: string;
  readonly epoch: number;
  readonly type: string;
  readonly v: number;
  readonly prev: string;
  readonly crc: string;
  /** The bytes of `data`, still JSON. A view into memory that is used again for later records: copy it to keep it. */
  readonly dataBytes: Buffer;

  constructor(header: RecordHeader, dataBytes: Buffer) {
    this.seq = header.seq;
    this.durable = header.durable;
    this.id = header.id;
    this.at = header.at;
    this.scan = header.scan;
    this.writer = header.writer;
    this.epoch = header.epoch;
    this.type = header.type;
    this.v = header.v;
    this.prev = header.prev;
    this.crc = header.crc;
    this.dataBytes = dataBytes;
  }

  /** Parses the payload, unchecked. Throws SyntaxError only for a line whose author wrote no JSON. */
  json(): unknown {
    return JSON.parse(this.dataBytes.toString('utf8'));
  }
}

/** Why some bytes are not a record. */
export type LineFault = 'too-long' | 'no-tail' | 'crc' | 'header' | 'nul';

export type DecodedLine = { ok: true; record: RawRecord } | { ok: false; fault: LineFault };

const HEADER =
  /^\{"seq":([1-9]\d{0,15}),"durable":(\d{1,16}),"id":"([0-9A-HJKMNP-TV-Z]{26})","at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","scan":"([0-9A-HJKMNP-TV-Z]{26})","writer":"([a-z][a-z0-9-]{0,63})","epoch":([1-9]\d{0,15}),"type":"([a-z][a-z.-]{0,63})","v":([1-9]\d{0,8}),"data":/;
const TAIL = /^,"prev":"([0-9a-f]{8})","crc":"([0-9a-f]{8})"\}$/;

function crcHex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** The JSON of a payload, in UTF-8. */
export function jsonBytes(data: unknown): Buffer {
  return Buffer.from(JSON.stringify(data), 'utf8');
}

/**
 * Encodes one line, LF included.
 * @param data the payload, already serialised: JSON as text, or as the bytes of its UTF-8
 * @throws JournalError `record-too-large`
 */
export function encodeLine(
  header: Omit<RecordHeader, 'crc'>,
  data: string | Uint8Array,
): { line: Buffer; crc: string } {
  // Every field of a header is ASCII: its characters are its bytes.
  const head =
    `{"seq":${header.seq},"durable":${header.durable},"id":"${header.id}","at":"${header.at}","scan":"${header.scan}",` +
    `"writer":"${header.writer}","epoch":${header.epoch},"type":"${header.type}","v":${header.v},"data":`;
  const payload = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  const bodyBytes = head.length + payload.length + PREV_TAIL_BYTES;
  const line = Buffer.allocUnsafe(bodyBytes + CRC_TAIL_BYTES + 1);
  if (line.length > RECORD_BYTES_MAX) {
    throw new JournalError('record-too-large', `a ${header.type} record of ${bodyBytes} bytes does not fit`);
  }
  line.write(head, 0, 'latin1');
  line.set(payload, head.length);
  line.write(`,"prev":"${header.prev}"`, head.length + payload.length, 'latin1');
  const crc = crcHex(crc32(line.subarray(0, bodyBytes)));
  line.write(`,"crc":"${crc}"}\n`, bodyBytes, 'latin1');
  return { line, crc };
}

/**
 * Decodes one line without its LF. Nothing but what `encodeLine` could have written is a record:
 * the checksum must match and the keys stand in their order.
 */
export function decodeLine(line: Buffer): DecodedLine {
  if (line.length + 1 > RECORD_BYTES_MAX) return { ok: false, fault: 'too-long' };
  const dataEnd = line.length - CRC_TAIL_BYTES - PREV_TAIL_BYTES;
  if (dataEnd <= 0) return { ok: false, fault: line.includes(0) ? 'nul' : 'no-tail' };
  const tail = TAIL.exec(line.toString('latin1', dataEnd, line.length));
  if (tail === null) return { ok: false, fault: line.includes(0) ? 'nul' : 'no-tail' };
  const [, prev = '', crc = ''] = tail;
  if (crc32(line.subarray(0, line.length - CRC_TAIL_BYTES)) !== Number.parseInt(crc, 16))
    return { ok: false, fault: 'crc' };
  const head = HEADER.exec(line.toString('latin1', 0, Math.min(HEADER_BYTES_MAX, dataEnd)));
  if (head === null) return { ok: false, fault: 'header' };
  const [matched, seq, durable, id = '', at = '', scan = '', writer = '', epoch, type = '', v] = head;
  const header = {
    seq: Number(seq),
    durable: Number(durable),
    id,
    at,
    scan,
    writer,
    epoch: Number(epoch),
    type,
    v: Number(v),
    prev,
    crc,
  };
  // A record never knows itself to be on disk: no writer of ours wrote this.
  if (header.durable >= header.seq) return { ok: false, fault: 'header' };
  return { ok: true, record: new RawRecord(header, line.subarray(matched.length, dataEnd)) };
}

/** Index of the next LF at or after `from`, or -1. */
export function nextLineEnd(bytes: Buffer, from: number): number {
  return bytes.indexOf(LF, from);
}
