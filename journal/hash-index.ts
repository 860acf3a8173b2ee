import type { PathHash } from './path-hash.js';

const PAGE_BITS = 16;
const PAGE_ENTRIES = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ENTRIES - 1;

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** A column of numbers that grows by pages, so that growing never copies what is there. */
export class Column {
  readonly #pages: Numbers[] = [];
  readonly #make: new (length: number) => Numbers;

  constructor(make: new (length: number) => Numbers) {
    this.#make = make;
  }

  get(entry: number): number {
    return this.#pages[entry >>> PAGE_BITS]?.[entry & PAGE_MASK] ?? 0;
  }

  set(entry: number, value: number): void {
    const page = (this.#pages[entry >>> PAGE_BITS] ??= new this.#make(PAGE_ENTRIES));
    page[entry & PAGE_MASK] = value;
  }
}

const SLOTS_MIN = 1 << 12;
/** Above this share of used slots probing gets slow. */
const LOAD_MAX = 0.7;
const GROWTH = 1.5;
const HASHES = 2 ** 32;

/** Numbers entries by the hash of their path: open addressing over two columns, some 15 bytes an entry. */
export class HashIndex {
  readonly #low = new Column(Uint32Array);
  readonly #high = new Column(Uint32Array);
  /** Entry + 1 by slot; 0: free. */
  #slots = new Uint32Array(SLOTS_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The entry of a hash, -1 when there is none. */
  find(hash: PathHash): number {
    return this.#entryAt(this.#probe(hash));
  }

  /** The entry of a hash, made when there is none. */
  intern(hash: PathHash): number {
    let slot = this.#probe(hash);
    const known = this.#entryAt(slot);
    if (known >= 0) return known;
    const entry = this.#size;
    this.#size += 1;
    this.#low.set(entry, hash.low);
    this.#high.set(entry, hash.high);
    if (this.#size > this.#slots.length * LOAD_MAX) this.#grow();
    slot = this.#probe(hash);
    if (this.#entryAt(slot) < 0) this.#slots[slot] = entry + 1;
    return entry;
  }

  #entryAt(slot: number): number {
    return (this.#slots[slot] ?? 0) - 1;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #probe(hash: PathHash): number {
    const slots = this.#slots.length;
    let slot = Math.floor((hash.low / HASHES) * slots);
    for (;;) {
      const entry = this.#entryAt(slot);
      if (entry < 0 || (this.#low.get(entry) === hash.low && this.#high.get(entry) === hash.high))
        return slot;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(Math.ceil(this.#slots.length * GROWTH));
    for (let entry = 0; entry < this.#size; entry += 1) {
      const slot = this.#probe({ low: this.#low.get(entry), high: this.#high.get(entry) });
      this.#slots[slot] = entry + 1;
    }
  }
}
