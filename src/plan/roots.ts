import type { ChunkRoot } from '../../journal/events/index.js';

/** Places that one record may name … */
const ROOTS_MAX = 500;
/** … and their bytes there: with what stands around them a record stays within the 64 KiB that records aim at. */
const ROOTS_BYTES_MAX = 56 * 1024;

/** What of a record is taken by the places it names. Paths can be long, and JSON makes them longer. */
export class RootsRoom {
  #roots = 0;
  #bytes = 0;

  /** Whether one more fits; the first one always does. Takes its room when it does. */
  take(root: ChunkRoot): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(root)) + 1;
    if (this.#roots > 0 && (this.#roots === ROOTS_MAX || this.#bytes + bytes > ROOTS_BYTES_MAX)) return false;
    this.#roots += 1;
    this.#bytes += bytes;
    return true;
  }
}

/** Cuts a list, in its order, into as few parts as fit into a record each. */
export function inRecords<T>(list: readonly T[], rootOf: (each: T) => ChunkRoot): T[][] {
  const parts: T[][] = [];
  let room = new RootsRoom();
  for (const each of list) {
    const fits = room.take(rootOf(each));
    const open = parts.at(-1);
    if (fits && open !== undefined) open.push(each);
    else {
      if (!fits) {
        room = new RootsRoom();
        room.take(rootOf(each));
      }
      parts.push([each]);
    }
  }
  return parts;
}
