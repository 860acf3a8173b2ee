import { fstatSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Unreadable } from './pieces.js';
import { errnoName } from './storage.js';

/** What a disk fails by: smaller pieces are not asked for. */
const PAGE_BYTES = 4096;
/** These say that this process is out of something, nothing about the file. */
const OF_THE_PROCESS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR', 'EBADF', 'EFAULT', 'EINVAL']);

/** Whether an error of `open` or `read` tells of the file, so that it can be told of it and the rest be read. */
export function isOfTheFile(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && !OF_THE_PROCESS.has(errnoName(error));
}

/**
 * Reads at a place like `handle.read`, but around what cannot be read: those bytes come as zeros, which are no record.
 * @returns bytes now in the buffer from `offset` on; 0 at the end of the file
 */
export async function readAround(
  handle: FileHandle,
  buffer: Buffer,
  offset: number,
  length: number,
  at: number,
): Promise<number> {
  try {
    return (await handle.read(buffer, offset, length, at)).bytesRead;
  } catch (error) {
    if (!isOfTheFile(error)) throw error;
    const reader = new AroundReader(handle.fd, at);
    let filled = 0;
    for (let count = -1; count !== 0 && filled < length; filled += count)
      count = reader.read(buffer, offset + filled, length - filled);
    return filled;
  }
}

/**
 * Reads a file from a place to its end, around what cannot be read: those bytes are given as zeros, and told.
 * Each page of a bad stretch is tried; one that goes on and on is given up in ever bigger steps, at most as long as it
 * is already, because a dying disk takes seconds for each answer.
 */
export class AroundReader {
  readonly #file: number;
  readonly #told: (stretch: Unreadable) => void;
  #at: number;
  /** Most bytes asked for at once; a page after a failure, then more again. */
  #mostBytes = Infinity;
  /** Length of the bad stretch that ends here; 0: the last bytes could be read. */
  #badBytes = 0;

  /** @param told of each stretch, in order, before its zeros are in the buffer */
  constructor(file: number, at = 0, told: (stretch: Unreadable) => void = () => undefined) {
    this.#file = file;
    this.#at = at;
    this.#told = told;
  }

  /** @returns bytes now in the buffer from `offset` on, up to `length`; 0 at the end of the file */
  read(buffer: Buffer, offset: number, length: number): number {
    for (;;) {
      const want = Math.min(length, this.#mostBytes);
      try {
        const count = readSync(this.#file, buffer, offset, want, this.#at);
        this.#at += count;
        this.#badBytes = 0;
        this.#mostBytes *= 2;
        return count;
      } catch (error) {
        if (!isOfTheFile(error)) throw error;
        if (want > PAGE_BYTES) {
          this.#mostBytes = PAGE_BYTES;
          continue;
        }
        return this.#skip(buffer.subarray(offset, offset + length), errnoName(error));
      }
    }
  }

  #skip(buffer: Buffer, code: string): number {
    const { size } = fstatSync(this.#file);
    const page = PAGE_BYTES - (this.#at % PAGE_BYTES);
    const count = Math.min(buffer.length, Math.max(page, this.#badBytes), size - this.#at);
    if (count <= 0) return 0;
    buffer.fill(0, 0, count);
    this.#told({ fromByte: this.#at, toByte: this.#at + count, code });
    this.#at += count;
    this.#badBytes += count;
    return count;
  }
}
