import { RECORD_BYTES_MAX, RECORD_BYTES_TARGET } from './record.js';

/** Bytes read at once. */
export const BLOCK_BYTES = 256 * 1024;
/** With room for the beginning of a line in front of them. */
const MEMORY_BYTES = BLOCK_BYTES + 2 * RECORD_BYTES_TARGET;
/** Blocks that wait for the next reader, at most. */
const SPARE_MAX = 4;
const NOTHING: Buffer = Buffer.alloc(0);
/** Of all readers in this thread. */
const spare: Buffer[] = [];

/**
 * Where the lines of a file lie that is read while it grows. Blocks are used again as soon as nobody needs what is in
 * them. Left to the garbage collector, tens of megabytes of them pile up: what lives a little longer than most is found by
 * a full collection only.
 */
export class LineMemory {
  #block = NOTHING;
  #filled = 0;
  /** Behind the last whole line; at the end of what is filled. */
  #rest = NOTHING;
  #held: Buffer[] = [];

  /** The block that is being filled: all lines of the last `add` lie in it. */
  get block(): Buffer {
    return this.#block;
  }

  /** Where so many bytes can be read to. */
  room(bytes: number): { block: Buffer; at: number } {
    if (this.#filled + bytes > this.#block.length) this.#next(this.#rest.length + bytes);
    return { block: this.#block, at: this.#filled };
  }

  #next(bytes: number): void {
    const block = bytes > MEMORY_BYTES ? Buffer.allocUnsafe(bytes) : this.#pooled();
    this.#filled = this.#rest.copy(block);
    this.#rest = block.subarray(0, this.#filled);
    this.#block = block;
  }

  #pooled(): Buffer {
    const block = spare.pop() ?? Buffer.allocUnsafe(MEMORY_BYTES);
    this.#held.push(block);
    return block;
  }

  /** So many bytes were read to where there was room. Returns them behind those that were left. */
  add(bytes: number): Buffer {
    const from = this.#filled - this.#rest.length;
    this.#filled += bytes;
    return this.#block.subarray(from, this.#filled);
  }

  /** What of the last `add` is not a whole line yet. */
  leave(rest: Buffer): void {
    // No record is that long: this is the beginning of a line that will be bad.
    this.#rest = rest.length > RECORD_BYTES_MAX ? rest.subarray(-RECORD_BYTES_MAX) : rest;
  }

  /** The next bytes begin a line. */
  clear(): void {
    this.#rest = NOTHING;
  }

  /** Lines that do not lie in one of these blocks are not needed any more. */
  forget(needed: Set<Buffer>): void {
    if (this.#rest.length > 0) needed.add(this.#block);
    else if (!needed.has(this.#block)) [this.#block, this.#filled] = [NOTHING, 0];
    const held = this.#held;
    this.#held = held.filter((block) => needed.has(block));
    const free = held.filter((block) => !needed.has(block));
    spare.push(...free.slice(0, SPARE_MAX - spare.length));
  }
}
