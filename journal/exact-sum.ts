/** The sum of two: a number as long as that is exact. */
export function addExactly(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number' && a + b <= Number.MAX_SAFE_INTEGER) return a + b;
  return BigInt(a) + BigInt(b);
}

/** An exact sum that is cheap while its summands are numbers. */
export class ExactSum {
  #small = 0;
  #large = 0n;

  add(value: number | bigint): void {
    if (typeof value === 'bigint') this.#large += value;
    else if (this.#small + value <= Number.MAX_SAFE_INTEGER) this.#small += value;
    else {
      this.#large += BigInt(this.#small) + BigInt(value);
      this.#small = 0;
    }
  }

  subtract(value: number | bigint): void {
    this.#large -= BigInt(value);
  }

  get value(): number | bigint {
    return this.#large === 0n ? this.#small : this.#large + BigInt(this.#small);
  }
}
