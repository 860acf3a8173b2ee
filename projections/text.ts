import type { BigCount, PathText } from '../journal/events/index.js';
import { pathBytes } from '../journal/path-text.js';

/** Control characters, and the marks that make a terminal show a line in another order than it has. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g; // eslint-disable-line no-control-regex -- they are what is looked for

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Makes any text safe to print on one line: no file name can drive a terminal or forge a line. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

const ASCII_MAX = 0x7e;

/** A path or name for people: safe to print; bytes that are not UTF-8 as `\xHH`. */
export function displayPath(path: PathText): string {
  if (typeof path === 'string') return printable(path);
  let text = '';
  for (const byte of pathBytes(path)) {
    text +=
      byte >= 0x20 && byte <= ASCII_MAX ? String.fromCharCode(byte) : escaped(String.fromCharCode(byte));
  }
  return text;
}

/** `1234567` → `1,234,567`. */
export function formatCount(value: BigCount | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const KIB = 1024;

/** `1536` → `1.5 KiB`. */
export function formatBytes(value: BigCount | bigint): string {
  let amount = Number(value);
  let unit = 0;
  while (amount >= KIB && unit < BYTE_UNITS.length - 1) {
    amount /= KIB;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${BYTE_UNITS[unit] ?? 'B'}`;
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** `3725` → `1 h 2 min`; under a minute `3.4 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < MINUTE_S) return `${Math.round(seconds)} s`;
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min ${Math.floor(seconds % MINUTE_S)} s`;
  if (seconds < DAY_S) {
    return `${Math.floor(seconds / HOUR_S)} h ${Math.floor((seconds % HOUR_S) / MINUTE_S)} min`;
  }
  return `${Math.floor(seconds / DAY_S)} d ${Math.floor((seconds % DAY_S) / HOUR_S)} h`;
}

/** `1 file`, `2 files`, `3 directories`. */
export function plural(value: BigCount | bigint, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${String(value) === '1' ? one : many}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Local time, as `TZ` has it: `2026-11-23 18:11:02`; beyond the year 275760 as `date -d` takes it: `@99999999999999`. */
export function formatLocalTime(timeMs: number): string {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return `@${Math.round(timeMs / 1000)}`;
  return (
    `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` +
    `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
  );
}
