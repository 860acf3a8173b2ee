import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Writes journals from the published format alone, as another program would; shares no code with ours. */
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const START_MS = Date.parse('2026-03-01T10:00:00.000Z');
const STEP_MS = 137;

type Data = Record<string, unknown>;

/** A ULID of a time and a counter. */
function ulid(timeMs: number, counter: number): string {
  const digits = (value: number, length: number): string =>
    Array.from({ length }, (_, at) => BASE32[Math.floor(value / 32 ** (length - 1 - at)) % 32]).join('');
  return digits(timeMs, 10) + digits(counter, 16);
}

/** One scan with a clock that ticks per record, over all its writers. */
export class CraftedScan {
  readonly id: string;
  readonly #journal: string;
  #nowMs: number;
  #count = 0;

  constructor(journal: string, startMs = START_MS) {
    this.#journal = journal;
    this.#nowMs = startMs;
    this.id = ulid(startMs, 1);
  }

  writer(name: string, epoch = 1): CraftedWriter {
    return new CraftedWriter(this, name, epoch);
  }

  /** Lets time pass without a word. */
  wait(ms: number): void {
    this.#nowMs += ms;
  }

  tick(): { id: string; at: string } {
    this.#nowMs += STEP_MS;
    this.#count += 1;
    return { id: ulid(this.#nowMs, this.#count), at: new Date(this.#nowMs).toISOString() };
  }

  path(writer: string, epoch: number, segment: number): string {
    const name = `${String(epoch).padStart(4, '0')}-${String(segment).padStart(4, '0')}.ndjson`;
    return join(this.#journal, this.id, writer, name);
  }
}

/** One writer in one epoch; every change is written to its file at once. */
export class CraftedWriter {
  readonly #scan: CraftedScan;
  readonly #name: string;
  readonly #epoch: number;
  #segment = 0;
  #lines: string[] = [];
  #seq = 0;
  #crc = '00000000';

  constructor(scan: CraftedScan, name: string, epoch: number) {
    this.#scan = scan;
    this.#name = name;
    this.#epoch = epoch;
  }

  /** Begins the next segment. */
  open(
    options: { previous?: Data | null; coordinator?: Data | null; format?: number; v?: number } = {},
  ): this {
    const previous = options.previous ?? (this.#segment > 0 ? this.reference() : null);
    this.#segment += 1;
    this.#lines = [];
    const coordinator = options.coordinator ?? null;
    const format = options.format ?? 1;
    const data = { format, hostname: 'tower', segment: this.#segment, previous, coordinator };
    return this.append('segment.opened', data, options.v);
  }

  append(type: string, data: Data, v = 1): this {
    const { id, at } = this.#scan.tick();
    this.#seq += 1;
    const record = {
      ...{ seq: this.#seq, durable: this.#seq - 1, id, at, scan: this.#scan.id, writer: this.#name },
      ...{ epoch: this.#epoch, type, v, data, prev: this.#crc },
    };
    const body = JSON.stringify(record).slice(0, -1);
    this.#crc = crc32(body).toString(16).padStart(8, '0');
    this.#lines.push(`${body},"crc":"${this.#crc}"}\n`);
    return this.#write();
  }

  seal(): this {
    const bytes = this.#lines.join('');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return this.append('segment.sealed', {
      records: this.#lines.length,
      bytes: Buffer.byteLength(bytes),
      sha256,
    });
  }

  /** {epoch, segment, seq, crc} of the last record. */
  reference(): Data {
    return { epoch: this.#epoch, segment: this.#segment, seq: this.#seq, crc: this.#crc };
  }

  /** The payload of `writer.progressed` and `writer.settled` up to the last record. */
  position(): Data {
    return { writer: this.#name, ...this.reference(), bytes: Buffer.byteLength(this.#lines.join('')) };
  }

  /** Puts bytes behind the last line that are no record. */
  tear(bytes: string): void {
    writeFileSync(this.#scan.path(this.#name, this.#epoch, this.#segment), this.#lines.join('') + bytes);
  }

  #write(): this {
    const path = this.#scan.path(this.#name, this.#epoch, this.#segment);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.#lines.join(''));
    return this;
  }
}
