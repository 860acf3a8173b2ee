import {
  INTERIOR_HEAD_BYTES,
  INTERIOR_TABLE,
  LEAF_HEAD_BYTES,
  LEAF_TABLE,
  PAGE_BYTES,
  PAGE_COUNT_AT,
  putPageHead,
  putVarint,
  varintBytes,
} from './sqlite-pages.js';

/** The memory of a database that is written page by page. Pages are counted from 1. */
export class ImagePages {
  readonly memory: Buffer;
  readonly view: DataView;
  readonly #fixed: number;
  /** The pages that are in use. */
  used: number;

  /** @param fixed pages that are always in use: the first, and the roots of the tables */
  constructor(pages: number, fixed: number) {
    this.memory = Buffer.alloc(pages * PAGE_BYTES);
    this.view = new DataView(this.memory.buffer, this.memory.byteOffset);
    this.#fixed = fixed;
    this.used = fixed;
  }

  get left(): number {
    return this.memory.length / PAGE_BYTES - this.used;
  }

  /** @returns the number of a page more; the caller has looked whether there is one */
  take(): number {
    this.used += 1;
    return this.used;
  }

  begin(): void {
    this.used = this.#fixed;
  }

  /** All pages that are in use, good until the next `begin`. */
  finish(): Uint8Array {
    this.view.setUint32(PAGE_COUNT_AT, this.used);
    return this.memory.subarray(0, this.used * PAGE_BYTES);
  }
}

/** The first byte of a page. */
const placeOf = (page: number): number => (page - 1) * PAGE_BYTES;

interface TreeState {
  /** Leaves that are full. */
  leaves: number;
  /** Of the leaf that is being filled: its page, its rows, and the first byte of the last one. */
  leaf: number;
  leafRows: number;
  contentAt: number;
  rows: number;
}

/**
 * One table of such a database: rows with ascending keys from 1, in leaves below one root. The root is the leaf as long
 * as one is enough; when it is full, it moves to a page of its own, as in SQLite.
 */
export class ImageTree {
  readonly #pages: ImagePages;
  readonly #root: number;
  /** Of each leaf that is full: its page, and its last key. */
  #leaves: { page: number; lastKey: number }[] = [];
  #leaf = 0;
  #leafRows = 0;
  #contentAt = 0;
  #rows = 0;

  constructor(pages: ImagePages, root: number) {
    this.#pages = pages;
    this.#root = root;
    this.begin();
  }

  /** Begins anew, with no rows. */
  begin(): void {
    this.#leaves = [];
    this.#rows = 0;
    this.#beginLeaf(this.#root);
  }

  /** Rows in it: the key of the last one. */
  get rows(): number {
    return this.#rows;
  }

  /** What `goBack` needs to forget the rows that are added from now on. */
  state(): TreeState {
    const [leaf, leafRows, contentAt, rows] = [this.#leaf, this.#leafRows, this.#contentAt, this.#rows];
    return { leaves: this.#leaves.length, leaf, leafRows, contentAt, rows };
  }

  goBack(to: TreeState): void {
    this.#leaves.length = to.leaves;
    this.#leaf = to.leaf; // what moved from the root stands there still
    this.#leafRows = to.leafRows;
    this.#contentAt = to.contentAt;
    this.#rows = to.rows;
  }

  /**
   * Makes room for one more row and writes its length and key. The caller takes pages back when there is none.
   * @returns where its record begins, or -1
   */
  add(recordBytes: number): number {
    const cellBytes = varintBytes(recordBytes) + varintBytes(this.#rows + 1) + recordBytes;
    const leafAt = placeOf(this.#leaf);
    const pointerAt = leafAt + LEAF_HEAD_BYTES + 2 * this.#leafRows;
    if (this.#contentAt - cellBytes < pointerAt + 2) return this.#nextLeaf() ? this.add(recordBytes) : -1;
    this.#contentAt -= cellBytes;
    this.#rows += 1;
    this.#leafRows += 1;
    this.#pages.view.setUint16(pointerAt, this.#contentAt - leafAt);
    const to = putVarint(this.#pages.memory, this.#contentAt, recordBytes);
    return putVarint(this.#pages.memory, to, this.#rows);
  }

  /** Ends the last leaf, and writes the root where there is more than one. */
  finish(): void {
    this.#endLeaf();
    const { memory, view } = this.#pages;
    const root = placeOf(this.#root);
    const last = this.#leaves.pop();
    if (last === undefined || this.#leaves.length === 0) return;
    let contentAt = root + PAGE_BYTES;
    this.#leaves.forEach(({ page, lastKey }, i) => {
      contentAt -= 4 + varintBytes(lastKey);
      view.setUint32(contentAt, page);
      putVarint(memory, contentAt + 4, lastKey);
      view.setUint16(root + INTERIOR_HEAD_BYTES + 2 * i, contentAt - root);
    });
    putPageHead(view, root, INTERIOR_TABLE, this.#leaves.length, contentAt - root);
    view.setUint32(root + 8, last.page);
  }

  #nextLeaf(): boolean {
    const isRoot = this.#leaf === this.#root;
    if (this.#pages.left < (isRoot ? 2 : 1)) return false;
    this.#endLeaf();
    if (isRoot) this.#moveRoot();
    this.#beginLeaf(this.#pages.take());
    return true;
  }

  #moveRoot(): void {
    const page = this.#pages.take();
    const from = placeOf(this.#root);
    this.#pages.memory.copyWithin(placeOf(page), from, from + PAGE_BYTES);
    this.#leaves = [{ page, lastKey: this.#rows }];
  }

  #beginLeaf(page: number): void {
    this.#leaf = page;
    this.#leafRows = 0;
    this.#contentAt = placeOf(page) + PAGE_BYTES;
  }

  #endLeaf(): void {
    const at = placeOf(this.#leaf);
    putPageHead(this.#pages.view, at, LEAF_TABLE, this.#leafRows, this.#contentAt - at);
    this.#leaves.push({ page: this.#leaf, lastKey: this.#rows });
  }
}
