/** One word of a shell line, quoted where it must be; control characters the way bash and zsh read them. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  if (!/[\u0000-\u001f\u007f]/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  // eslint-disable-next-line no-control-regex -- as above
  const escaped = word.replace(/['\\]|[\u0000-\u001f\u007f]/g, (char) =>
    char === "'" || char === '\\' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `$'${escaped}'`;
}
