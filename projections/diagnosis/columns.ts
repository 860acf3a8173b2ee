import { Column } from '../../journal/hash-index.js';

/** What does not fit into two bytes, and the mark that stands in its place. */
const NARROW_MAX = 0xffff;

/** A column of counts, nearly all of them small: two bytes each. */
export class CountColumn {
  readonly #narrow = new Column(Uint16Array);
  readonly #wide = new Map<number, number>();

  get(entry: number): number {
    const count = this.#narrow.get(entry);
    return count === NARROW_MAX ? (this.#wide.get(entry) ?? 0) : count;
  }

  set(entry: number, count: number): void {
    // Whatever is no small count, in a journal that another program wrote, is kept as it is.
    const isNarrow = count >= 0 && count < NARROW_MAX && Number.isInteger(count);
    this.#narrow.set(entry, isNarrow ? count : NARROW_MAX);
    if (isNarrow) this.#wide.delete(entry);
    else this.#wide.set(entry, count);
  }
}
