/** UTC text of a record to Unix seconds. */
export function unixSeconds(at: string): number {
  return Date.parse(at) / 1000;
}

const NANOSECONDS_PER_SECOND = 1e9;

/** Nanoseconds (a decimal string, as a rule) to Unix seconds; null for anything else. */
export function mtimeSeconds(cell: unknown): number | null {
  if (typeof cell !== 'string' && typeof cell !== 'number') return null;
  const seconds = Number(cell) / NANOSECONDS_PER_SECOND;
  return Number.isFinite(seconds) ? seconds : null;
}

/** A size or count: beyond 2^53 it is a decimal string in the journal, and must reach SQLite as an exact integer. */
export function exactInteger(cell: unknown): number | bigint | null {
  if (typeof cell === 'number') return cell;
  return typeof cell === 'string' && /^-?\d{1,18}$/.test(cell) ? BigInt(cell) : largeInteger(cell);
}

const INTEGER_MAX = 2n ** 63n - 1n;

/** SQLite's integers end at 2^63. */
function largeInteger(cell: unknown): bigint | null {
  if (typeof cell !== 'string' || !/^-?\d+$/.test(cell)) return null;
  return cappedInteger(BigInt(cell));
}

/** Sums of sizes can go beyond: files of 2^63-1 bytes exist, with holes. */
export function cappedInteger(value: bigint): bigint;
export function cappedInteger(value: number | bigint): number | bigint;
export function cappedInteger(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value;
  return value > INTEGER_MAX ? INTEGER_MAX : value < -INTEGER_MAX ? -INTEGER_MAX : value;
}

/** Two halves of a sum in SQL, whose own `sum` fails beyond 2^63. */
const highSum = (column: string): string => `coalesce(sum(CAST(${column} AS INTEGER) >> 32), 0)`;
const lowSum = (column: string): string => `coalesce(sum(CAST(${column} AS INTEGER) & 4294967295), 0)`;

/** The two columns of an exact sum in SQL, for `exactSum`. */
export const sumParts = (column: string): string => `${highSum(column)}, ${lowSum(column)}`;

/** A sum in SQL as the catalog keeps them: 2^63-1 at most. */
export const cappedSum = (column: string): string =>
  `min(${INTEGER_MAX}, ${highSum(column)} * 4294967296 + ${lowSum(column)})`;

/** Of the two columns that `sumParts` gives. */
export function exactSum(high: bigint, low: bigint): bigint {
  return (high << 32n) + low;
}

/** NULL where none was asked for or the file was not readable; `empty` for a file of 0 bytes. */
export function checksumCell(cell: unknown, size: number | bigint | null): string | null {
  if (typeof cell !== 'string') return null;
  return cell === '' ? (Number(size) === 0 ? 'empty' : null) : cell;
}
