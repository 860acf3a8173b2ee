/**
 * Breaks text into lines of at most `width` characters at spaces; a word longer than that stays whole,
 * so that a path or a command can be copied. Every line begins with `indent`.
 */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => `${indent}${each}`).join('\n');
}

/** The first line begins with `lead`, the others below its end. */
export function hang(lead: string, text: string, width: number): string {
  const indent = ' '.repeat(lead.length);
  return lead + wrap(text, Math.max(width, lead.length + 20), indent).slice(indent.length);
}
