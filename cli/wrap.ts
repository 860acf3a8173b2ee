import { columnsOf } from './columns.js';

/**
 * Breaks text into lines of at most `width` columns at spaces; a word longer than that stays whole,
 * so that a path or a command can be copied. Every line begins with `indent`.
 */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  let taken = 0;
  for (const word of text.split(' ')) {
    const columns = columnsOf(word);
    if (line !== '' && taken + 1 + columns > width) {
      lines.push(line);
      line = '';
    }
    taken = line === '' ? indent.length + columns : taken + 1 + columns;
    line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => `${indent}${each}`).join('\n');
}

/** The first line begins with `lead`, the others below its end. */
export function hang(lead: string, text: string, width: number): string {
  const indent = ' '.repeat(lead.length);
  return lead + wrap(text, Math.max(width, lead.length + 20), indent).slice(indent.length);
}

/** The first line begins at the margin, those it runs on to two columns in. */
export function paragraph(text: string, width: number): string {
  return wrap(text, width, '  ').slice(2);
}
