const BUCKET_MS = 5000;

/** How much happened when, in buckets of five seconds: records of many writers may come in any order. */
export class RateCounter {
  readonly #buckets = new Map<number, number>();

  add(atMs: number, amount: number): void {
    const bucket = Math.floor(atMs / BUCKET_MS);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + amount);
  }

  /** Per second over the window that ends at `nowMs`; `sinceMs` is when counting began. */
  perSecond(nowMs: number, sinceMs: number, windowMs: number): number {
    const fromMs = Math.max(sinceMs, nowMs - windowMs);
    if (nowMs <= fromMs) return 0;
    let sum = 0;
    for (let bucket = Math.floor(fromMs / BUCKET_MS); bucket * BUCKET_MS <= nowMs; bucket += 1) {
      sum += this.#buckets.get(bucket) ?? 0;
    }
    // The first bucket counts whole though the window may begin inside it, so the time does too.
    const spanMs = nowMs - Math.max(sinceMs, Math.floor(fromMs / BUCKET_MS) * BUCKET_MS);
    return spanMs <= 0 ? 0 : (sum * 1000) / spanMs;
  }

  /** Amounts over equal slices of a time span, for a chart. */
  slices(fromMs: number, toMs: number, count: number): number[] {
    const slices = new Array<number>(count).fill(0);
    const widthMs = Math.max(1, (toMs - fromMs) / count);
    for (const [bucket, amount] of this.#buckets) {
      const at = Math.floor(((bucket + 0.5) * BUCKET_MS - fromMs) / widthMs);
      const slice = Math.min(count - 1, Math.max(0, at));
      slices[slice] = (slices[slice] ?? 0) + amount;
    }
    return slices;
  }
}
