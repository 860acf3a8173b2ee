/** What a compose file of ours is made of. */
export type Yaml = string | Yaml[] | { [key: string]: Yaml };

interface Line {
  indent: number;
  text: string;
}

/**
 * Reads the little of YAML that a plain compose file needs: maps, lists, lists in brackets, quoted and bare words,
 * comments. Anything else throws.
 */
export function plainYaml(source: string): Yaml {
  const lines = source
    .split('\n')
    .map((line) => ({ indent: line.search(/\S/), text: line.trim() }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
  const value = block(lines, 0);
  if (lines[0] !== undefined) throw new Error(`not understood: ${lines[0].text}`);
  return value;
}

/** Takes the lines of one map or list from the front. */
function block(lines: Line[], indent: number): Yaml {
  const list: Yaml[] = [];
  const map: Record<string, Yaml> = {};
  for (let line = lines[0]; line?.indent === indent; line = lines[0]) {
    lines.shift();
    const { text } = line;
    const [, item] = /^- (.+)$/.exec(text) ?? [];
    if (item !== undefined) {
      list.push(scalar(item));
      continue;
    }
    const [, key = '', rest = ''] = /^([\w-]+):(?: +(.+))?$/.exec(text) ?? [];
    if (key === '' || key in map) throw new Error(`not understood: ${text}`);
    map[key] = rest === '' ? block(lines, indentOf(lines)) : scalar(rest);
  }
  return list.length > 0 ? list : map;
}

function indentOf([first]: readonly Line[]): number {
  return first?.indent ?? 0;
}

function scalar(text: string): Yaml {
  const [, inside] = /^\[(.*)\]$/.exec(text) ?? [];
  if (inside !== undefined) return inside.split(/, */).map(scalar);
  const [, quoted] = /^'([^']*)'$/.exec(text) ?? [];
  if (quoted !== undefined) return quoted;
  if (/^['"{&*!|>%@`]|: |: *$| #/.test(text)) throw new Error(`not understood: ${text}`);
  return text;
}
