import type { BigCount } from './events/index.js';

/** A whole number as the journal writes it: a number as long as that is exact. */
export function bigCountOf(value: number | bigint): BigCount {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : BigInt(value).toString();
}
