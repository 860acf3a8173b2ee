/** Finding one's way in the bytes of JSON text, without parsing it. */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const DIGIT_0 = 0x30;
export const DIGIT_9 = 0x39;
export const OPEN = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
export const BRACE_CLOSE = 0x7d;
export const SPACE = 0x20;
export const SLASH = 0x2f;
export const ASCII_MAX = 0x7f;

export function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= DIGIT_0 && c <= DIGIT_9;
}

/** Behind the string at `at`, or -1. */
function endOfString(data: Buffer, at: number): number {
  for (let i = at + 1; i < data.length; i += 1) {
    const c = data[i];
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) i += 1;
  }
  return -1;
}

/** Behind the bracket or brace that closes what lies around `at`, or -1. */
export function endOfContainer(data: Buffer, at: number): number {
  let depth = 1;
  for (let i = at; i < data.length; i += 1) {
    const c = data[i];
    if (c === QUOTE) {
      i = endOfString(data, i) - 1;
      if (i < 0) return -1;
    } else if (c === OPEN || c === BRACE_OPEN) depth += 1;
    else if (c === CLOSE || c === BRACE_CLOSE) {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  return -1;
}

/** Behind the string, array or object at `at`, or -1. */
export function endOfValue(data: Buffer, at: number): number {
  return data[at] === QUOTE ? endOfString(data, at) : endOfContainer(data, at + 1);
}
