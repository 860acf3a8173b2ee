import { closeSync, constants, openSync, readSync } from 'node:fs';
import { LongRead, type ReadingWatch } from './long-read.js';
import {
  createDigest,
  digestOf,
  EMPTY,
  placeAfter,
  rangesOf,
  type DigestMode,
  type Range,
} from './sampling.js';

/** Bytes read at once. */
const READ_BYTES = 1024 * 1024;
/** Never a symlink that took the file's place, never waiting for the other end of a pipe. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `short`: the file ended before the size it was said to have. */
export interface FileDigest {
  checksum: string;
  short: boolean;
}

/** Called before each system call, so that a watchdog sees progress. */
export type Beat = (operation: 'open' | 'read') => void;

/** Makes checksums of files with blocking calls, through one buffer that is used again and again. */
export class SyncDigester {
  readonly #mode: DigestMode;
  readonly #beat: Beat;
  /** The last system call: what failed when `digest` throws. */
  operation: 'open' | 'read' = 'open';
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

  constructor(mode: DigestMode, beat: Beat) {
    this.#mode = mode;
    this.#beat = beat;
  }

  /**
   * @param size in bytes, as lstat gave it
   * @param watch hears how far it is, where the file is too big to be read at once
   * @throws the system's error of open or read
   */
  digest(path: string | Buffer, size: bigint, watch?: ReadingWatch): FileDigest {
    if (size === 0n) return { checksum: EMPTY, short: false };
    this.#start('open');
    const file = openSync(path, OPEN_FLAGS);
    try {
      if (size <= READ_BYTES) return this.#small(file, Number(size));
      return this.#big(file, rangesOf(this.#mode, size), watch);
    } finally {
      closeSync(file);
    }
  }

  #start(operation: 'open' | 'read'): void {
    this.operation = operation;
    this.#beat(operation);
  }

  #small(file: number, size: number): FileDigest {
    const length = this.#fill(file, { offset: 0, length: size });
    return { checksum: digestOf(this.#mode, this.#buffer.subarray(0, length)), short: length < size };
  }

  #big(file: number, ranges: readonly Range[], watch: ReadingWatch | undefined): FileDigest {
    const watched = watch === undefined ? null : new LongRead(watch, ranges);
    const digest = createDigest(this.#mode);
    let short = false;
    for (const range of ranges) {
      for (let at = 0; at < range.length && !short;) {
        const wanted = Math.min(READ_BYTES, range.length - at);
        const length = this.#fill(file, { offset: placeAfter(range.offset, at), length: wanted });
        digest.update(this.#buffer.subarray(0, length));
        watched?.add(length);
        at += length;
        short = length < wanted;
      }
    }
    return { checksum: digest.digest(), short };
  }

  /** Reads until the range is in the buffer or the file ends; returns how much is there. */
  #fill(file: number, { offset, length }: Range): number {
    let filled = 0;
    while (filled < length) {
      this.#start('read');
      const got = readSync(file, this.#buffer, filled, length - filled, placeAfter(offset, filled));
      if (got === 0) break;
      filled += got;
    }
    return filled;
  }
}
