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
  const value = BigInt(cell);
  return value > INTEGER_MAX ? INTEGER_MAX : value < -INTEGER_MAX ? -INTEGER_MAX : value;
}

/** NULL where none was asked for or the file was not readable; `empty` for a file of 0 bytes. */
export function checksumCell(cell: unknown, size: number | bigint | null): string | null {
  if (typeof cell !== 'string') return null;
  return cell === '' ? (Number(size) === 0 ? 'empty' : null) : cell;
}
