import { eastAsianWidth } from 'get-east-asian-width';

/**
 * Texts by the columns they take on a terminal: names may hold letters two columns wide, and marks that take none. What
 * is shown here holds no control characters any more.
 */
const NARROW = /^[\x20-\x7e\u00a1-\u02ff…]*$/;
const EMOJI = /^\p{Emoji}\ufe0f|^\p{Regional_Indicator}{2}/u;
const ELLIPSIS = '…';
/** Made when a text first needs it: that takes 10 ms. */
let segmenter: Intl.Segmenter | undefined;

/** One letter as a reader sees it, with all its marks. */
interface Letter {
  text: string;
  columns: number;
}

function lettersOf(text: string): Letter[] {
  if (NARROW.test(text)) return Array.from(text, (letter) => ({ text: letter, columns: 1 }));
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => ({
    text: segment,
    columns: EMOJI.test(segment) ? 2 : eastAsianWidth(segment.codePointAt(0) ?? 0),
  }));
}

export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  return lettersOf(text).reduce((sum, { columns }) => sum + columns, 0);
}

/** With blanks behind it, up to so many columns. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

/** With blanks before it, up to so many columns. */
export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - columnsOf(text))) + text;
}

/** The first letters that have room. */
function fitting(letters: readonly Letter[], columns: number): string[] {
  let taken = 0;
  const end = letters.findIndex((letter) => (taken += letter.columns) > columns);
  return letters.slice(0, end < 0 ? letters.length : end).map(({ text }) => text);
}

function head(letters: readonly Letter[], columns: number): string {
  return fitting(letters, columns).join('');
}

/** The same from the end. */
function tail(letters: readonly Letter[], columns: number): string {
  return fitting(letters.toReversed(), columns).reverse().join('');
}

/** Cuts the end off a text that is too long. */
export function cutEnd(text: string, columns: number): string {
  return columnsOf(text) <= columns ? text : head(lettersOf(text), columns - 1) + ELLIPSIS;
}

/** Cuts the start off a text that is too long: the ends of paths are where they differ. */
export function cutStart(text: string, columns: number): string {
  return columnsOf(text) <= columns ? text : ELLIPSIS + tail(lettersOf(text), columns - 1);
}

/** Cuts the middle out of a text that is too long: the ends of a path tell most. */
export function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const letters = lettersOf(text);
  const start = head(letters, Math.floor((columns - 1) / 3));
  return start + ELLIPSIS + tail(letters, columns - 1 - columnsOf(start));
}
