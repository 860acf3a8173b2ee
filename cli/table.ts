import { bigCountOf } from '../journal/big-count.js';
import { columnsOf, cutMiddle, padEnd, padStart } from './columns.js';

/** Between two columns. */
const GAP = '  ';
/** However narrow the terminal, the first column keeps so many characters. */
const FIRST_COLUMN_MIN = 12;
/** A wide terminal does not pull a table apart. */
const WIDTH_MAX = 120;

/**
 * A table for people: the first column on the left, cut in its middle to fit, all others on the right.
 * @returns lines, each ending in a newline; empty without rows
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): string {
  if (rows.length === 0) return '';
  const lines = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => columnsOf(line[i] ?? ''))));
  const others = widths.slice(1).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = Math.max(FIRST_COLUMN_MIN, Math.min(columns, WIDTH_MAX) - others);
  widths[0] = Math.min(widths[0] ?? 0, room);
  const render = (line: readonly string[]): string =>
    line
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return i === 0 ? padEnd(cutMiddle(cell, width), width) : padStart(cell, width);
      })
      .join(GAP)
      .trimEnd();
  return `${lines.map(render).join('\n')}\n`;
}

/** A value as `jsonSafe` gives it. */
export type JsonSafe<T> = T extends bigint
  ? number | string
  : T extends readonly (infer E)[]
    ? JsonSafe<E>[]
    : T extends object
      ? { [K in keyof T]: JsonSafe<T[K]> }
      : T;

/** For JSON: numbers where they are exact, decimal strings beyond 2^53, as in the journal. */
export function jsonSafe<T>(value: T): JsonSafe<T> {
  return safe(value) as JsonSafe<T>;
}

function safe(value: unknown): unknown {
  if (typeof value === 'bigint') return bigCountOf(value);
  if (Array.isArray(value)) return value.map(safe);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, safe(each)]));
}
