/** Buckets begin this wide and double whenever there are too many. */
const BUCKET_MS_MIN = 250;
const BUCKETS_MAX = 20_000;

/** What a counter has counted, to be added to another. */
export interface RateSlices {
  atMs: number[];
  amounts: number[];
}

/** How much happened when: records of many writers may come in any order. Bounded memory, however long it goes on. */
export class RateCounter {
  #buckets = new Map<number, number>();
  #widthMs = BUCKET_MS_MIN;

  /** Of one bucket: nothing is known of what happened within it. */
  get widthMs(): number {
    return this.#widthMs;
  }

  add(atMs: number, amount: number): void {
    const bucket = Math.floor(atMs / this.#widthMs);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + amount);
    if (this.#buckets.size > BUCKETS_MAX) this.#widen();
  }

  /** Per second over the window that ends at `nowMs`; `sinceMs` is when counting began. */
  perSecond(nowMs: number, sinceMs: number, windowMs: number): number {
    const fromMs = Math.max(sinceMs, nowMs - windowMs);
    if (nowMs <= fromMs) return 0;
    return this.#sum(fromMs, nowMs) / ((nowMs - fromMs) / 1000);
  }

  /** Amounts over equal slices of a time span, for a chart. A bucket is shared by the slices it lies in. */
  slices(fromMs: number, toMs: number, count: number): number[] {
    const slices = new Array<number>(count).fill(0);
    const sliceMs = Math.max(1, (toMs - fromMs) / count);
    for (const [bucket, amount] of this.#buckets) {
      const startMs = Math.max(fromMs, bucket * this.#widthMs);
      const endMs = Math.min(toMs, (bucket + 1) * this.#widthMs);
      const first = clamp(Math.floor((startMs - fromMs) / sliceMs), count);
      const last = clamp(Math.floor((endMs - fromMs - 1) / sliceMs), count);
      const share = amount / Math.max(1, last - first + 1);
      for (let slice = first; slice <= Math.max(first, last); slice += 1)
        slices[slice] = (slices[slice] ?? 0) + share;
    }
    return slices;
  }

  /** Of buckets that lie in the window with a part, that part. */
  #sum(fromMs: number, toMs: number): number {
    let sum = 0;
    for (let bucket = Math.floor(fromMs / this.#widthMs); bucket * this.#widthMs <= toMs; bucket += 1) {
      const inside =
        Math.min(toMs + 1, (bucket + 1) * this.#widthMs) - Math.max(fromMs, bucket * this.#widthMs);
      // What has just come in is whole, though its bucket's time is not over yet.
      const part = (bucket + 1) * this.#widthMs > toMs ? 1 : inside / this.#widthMs;
      sum += (this.#buckets.get(bucket) ?? 0) * part;
    }
    return sum;
  }

  /** All of it: amounts with the time in the middle of their bucket. */
  all(): RateSlices {
    const atMs = [...this.#buckets.keys()].map((bucket) => (bucket + 0.5) * this.#widthMs);
    return { atMs, amounts: [...this.#buckets.values()] };
  }

  #widen(): void {
    const old = this.#buckets;
    this.#widthMs *= 2;
    this.#buckets = new Map();
    for (const [bucket, amount] of old) {
      const wider = Math.floor(bucket / 2);
      this.#buckets.set(wider, (this.#buckets.get(wider) ?? 0) + amount);
    }
  }
}

function clamp(slice: number, count: number): number {
  return Math.min(count - 1, Math.max(0, slice));
}
