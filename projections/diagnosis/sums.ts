/** Above this a sum of numbers may not be exact any more. */
const EXACT_MAX = Number.MAX_SAFE_INTEGER;

/** The sum of two: a number as long as that is exact. */
export function addExactly(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number' && a + b <= EXACT_MAX) return a + b;
  return BigInt(a) + BigInt(b);
}

/** An exact sum that is cheap while its summands are numbers. */
export class ByteSum {
  #big = 0n;
  #small = 0;

  add(value: number | bigint): void {
    if (typeof value === 'bigint') this.#big += value;
    else if (this.#small + value <= EXACT_MAX) this.#small += value;
    else {
      this.#big += BigInt(this.#small) + BigInt(value);
      this.#small = 0;
    }
  }

  subtract(value: number | bigint): void {
    this.#big -= BigInt(value);
  }

  get value(): bigint {
    return this.#big + BigInt(this.#small);
  }
}
