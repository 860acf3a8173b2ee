import { close, constants, open, read } from 'node:fs';
import type { FileDigest } from './digest-sync.js';
import { LongRead, type ReadingWatch } from './long-read.js';
import {
  createDigest,
  EMPTY,
  placeAfter,
  rangesOf,
  type Digest,
  type DigestMode,
  type Range,
} from './sampling.js';

/** Bytes read at once; each file being read has a buffer of its own. */
const READ_BYTES = 256 * 1024;
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Runs one call of the callback kind, within a time limit. */
export type Call = <T>(
  start: (callback: (error: NodeJS.ErrnoException | null, value: T) => void) => void,
) => Promise<T>;

interface InHand {
  digest: Digest;
  file: number;
  buffer: Buffer;
  watched: LongRead | null;
}

/** The checksum of one file, made with calls that do not block. */
export class AsyncDigester {
  readonly #mode: DigestMode;
  readonly #call: Call;
  /** The last system call: what failed when `digest` rejects. */
  operation: 'open' | 'read' = 'open';

  constructor(mode: DigestMode, call: Call) {
    this.#mode = mode;
    this.#call = call;
  }

  /**
   * @param size in bytes, as lstat gave it
   * @param watch hears how far it is
   * @throws the system's error of open or read, or that of the time limit
   */
  async digest(path: string | Buffer, size: bigint, watch?: ReadingWatch): Promise<FileDigest> {
    if (size === 0n) return { checksum: EMPTY, short: false };
    this.operation = 'open';
    const file = await this.#call<number>((done) => open(path, OPEN_FLAGS, done));
    try {
      const digest = createDigest(this.#mode);
      const buffer = Buffer.allocUnsafe(size < READ_BYTES ? Number(size) : READ_BYTES);
      const ranges = rangesOf(this.#mode, size);
      const watched = watch === undefined ? null : new LongRead(watch, ranges);
      let short = false;
      for (const range of ranges) {
        short ||= !(await this.#update({ digest, file, buffer, watched }, range));
      }
      return { checksum: digest.digest(), short };
    } finally {
      // A close that hangs costs a thread of the pool, and nobody waits for it.
      close(file, () => undefined);
    }
  }

  /** Returns whether the whole range was there. */
  async #update({ digest, file, buffer, watched }: InHand, range: Range): Promise<boolean> {
    this.operation = 'read';
    for (let begin = 0; begin < range.length;) {
      const wanted = Math.min(buffer.length, range.length - begin);
      const place = placeAfter(range.offset, begin);
      const got = await this.#call<number>((done) => read(file, buffer, 0, wanted, place, done));
      if (got === 0) return false;
      digest.update(buffer.subarray(0, got));
      watched?.add(got);
      begin += got;
    }
    return true;
  }
}
