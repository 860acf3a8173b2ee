import { open, type FileHandle } from 'node:fs/promises';
import { JournalError } from './errors.js';
import { checkpointMismatch, recordAt, type ReadRecord } from './checkpoint.js';
import { decodeLine, nextLineEnd, type RawRecord } from './record.js';
import { recoverFiles, type RecoverOptions, type ScanReport } from './recovery.js';
import type { CountedFile, Extent, Recovered } from './recover.js';
import { segmentPath, type SegmentName, type SegmentPosition } from './segments.js';

export type { ReadRecord } from './checkpoint.js';
export { WriterTail, type WriterTailOptions } from './tail.js';

/** Bytes read at once; also what a batch of records spans at most, but for one longer record. */
const BLOCK_BYTES = 1024 * 1024;
/** The same where memory is what counts: few records are alive at once. */
const REUSED_BYTES = 128 * 1024;

export interface ScanReaderOptions extends Omit<RecoverOptions, 'writers'> {
  journalDir: string;
  scan: string;
  /** By writer: what was read before. Records up to there are left out. */
  after?: ReadonlyMap<string, SegmentPosition>;
  /** Only these. All are looked at for what they say about each other. */
  writers?: readonly string[];
}

/** Reads a scan at rest, by the rules of recovery: exactly the records that count, each once. */
export class ScanReader {
  readonly #options: ScanReaderOptions;
  #report: ScanReport | null = null;

  constructor(options: ScanReaderOptions) {
    this.#options = options;
  }

  /**
   * Coordinator, import, workers by number; of each by epoch, segment, seq.
   * @throws JournalError `checkpoint-mismatch` when a record of `after` is not there any more
   */
  async *batches(): AsyncGenerator<readonly ReadRecord[]> {
    const { journalDir, scan, writers, after, hash = true, threads = 1, onSurveyed } = this.#options;
    const recovered = await recoverFiles(journalDir, scan, {
      hash,
      threads,
      ...(onSurveyed === undefined ? {} : { onSurveyed }),
    });
    for (const [writer, position] of after ?? []) {
      if (writers?.includes(writer) ?? true) await this.#checkCheckpoint(recovered, writer, position);
    }
    for (const file of recovered.counted) {
      if (!(writers?.includes(file.name.writer) ?? true) || file.extents.length === 0) continue;
      const left = { ...file, extents: behind(file, after?.get(file.name.writer)) };
      yield* batchesOf(journalDir, left, recovered.repeated);
    }
    this.#report = recovered.report;
  }

  /** What recovery found; complete once `batches()` has ended. */
  report(): ScanReport {
    if (this.#report === null) throw new JournalError('io', 'the report is there when all is read');
    return this.#report;
  }

  async #checkCheckpoint(recovered: Recovered, writer: string, position: SegmentPosition): Promise<void> {
    const counted = recovered.counted.find(({ name }) => isAt(name, writer, position));
    const covered = counted?.extents.some(({ fromSeq, toSeq, fromByte, toByte }) => {
      const inSeq = fromSeq <= position.seq && position.seq <= toSeq;
      return inSeq && fromByte < position.bytes && position.bytes <= toByte;
    });
    if (counted !== undefined && covered === true) {
      const path = segmentPath(this.#options.journalDir, counted.name);
      if ((await recordAt(path, position)) !== null) return;
    }
    throw checkpointMismatch(this.#options.scan, writer, position);
  }
}

/**
 * The records of one file that count.
 * @param reuse read every block into the same memory: the records of a batch are then nothing any more once the next
 *   one is asked for
 */
export async function* batchesOf(
  journalDir: string,
  { name, file, extents }: CountedFile,
  repeated: Recovered['repeated'],
  reuse = false,
): AsyncGenerator<readonly ReadRecord[]> {
  if (extents.length === 0) return;
  const twice = repeated.get(`${name.writer}/${name.epoch}`);
  const path = segmentPath(journalDir, name);
  const handle = await open(path, 'r');
  try {
    for (const extent of extents) {
      for await (const lines of linesOf(handle, path, extent, reuse)) {
        const batch: ReadRecord[] = [];
        for (const { record, end } of lines) {
          if (record.seq > extent.toSeq || twice?.has(record.id) === true) continue;
          batch.push({ record, file, segment: name.segment, end });
        }
        if (batch.length > 0) yield batch;
      }
    }
  } finally {
    await handle.close();
  }
}

function isAt(name: SegmentName, writer: string, position: SegmentPosition): boolean {
  return name.writer === writer && name.epoch === position.epoch && name.segment === position.segment;
}

/** The part of a file's extents that lies behind a position. */
function behind({ name, extents }: CountedFile, position: SegmentPosition | undefined): Extent[] {
  if (position === undefined) return extents;
  const order = name.epoch - position.epoch || name.segment - position.segment;
  if (order < 0) return [];
  if (order > 0) return extents;
  return extents
    .filter(({ toByte }) => toByte > position.bytes)
    .map((extent) => ({ ...extent, fromByte: Math.max(extent.fromByte, position.bytes) }));
}

interface Line {
  record: RawRecord;
  end: number;
}

/** The records of an extent, one block after the other. Recovery has seen them, so each must be there. */
async function* linesOf(
  handle: FileHandle,
  path: string,
  extent: Extent,
  reuse: boolean,
): AsyncGenerator<Line[]> {
  let at = extent.fromByte;
  let rest: Buffer = Buffer.alloc(0);
  let memory: Buffer = Buffer.alloc(0);
  while (at + rest.length < extent.toByte) {
    const from = at + rest.length;
    const want = Math.min(reuse ? REUSED_BYTES : BLOCK_BYTES, extent.toByte - from);
    if (!reuse || memory.length < rest.length + want) memory = Buffer.allocUnsafe(rest.length + want);
    const block = memory.subarray(0, rest.length + want);
    rest.copy(block);
    const { bytesRead } = await handle.read(block, rest.length, want, from);
    if (bytesRead === 0) throw changed(path);
    const filled = block.subarray(0, rest.length + bytesRead);
    const lines: Line[] = [];
    let start = 0;
    const last = from + bytesRead === extent.toByte;
    while (start < filled.length) {
      const lf = nextLineEnd(filled, start);
      if (lf < 0 && !last) break;
      const stop = lf < 0 ? filled.length : lf;
      const decoded = decodeLine(filled.subarray(start, stop));
      if (!decoded.ok) throw changed(path);
      start = lf < 0 ? stop : lf + 1;
      lines.push({ record: decoded.record, end: at + start });
    }
    rest = filled.subarray(start);
    at += start;
    if (lines.length > 0) yield lines;
  }
}

function changed(path: string): JournalError {
  return new JournalError('io', `${path} changed while it was read`, { path, hint: 'Try again.' });
}
