import { z } from 'zod';
import type { SchemaOptions } from './command-options.js';
import { usageError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import { SCHEMAS } from './json/schemas.js';
import { hang, paragraph } from './wrap.js';

const NAME_COLUMNS = 11;
const HOW = 'nas-scanner schema COMMAND prints the JSON Schema of what the command prints with --json.';

/** The `schema` command: what `--json` prints, as JSON Schema. */
export function runSchema(options: SchemaOptions, io: Io): Promise<ExitCode> {
  if (options.of === undefined) {
    io.json(Object.fromEntries(Object.entries(SCHEMAS).map(([name, of]) => [name, jsonSchema(name, of)])));
    io.out(list(io.columns));
  } else {
    const name = options.of === 'debug' ? 'diagnose' : options.of;
    const of = new Map<string, z.ZodType>(Object.entries(SCHEMAS)).get(name);
    if (of === undefined) {
      throw usageError(`there is no command ${options.of}`, `one of ${Object.keys(SCHEMAS).join(', ')}`);
    }
    const schema = jsonSchema(name, of);
    io.json(schema);
    io.out(`${JSON.stringify(schema, null, 2)}\n`);
  }
  return Promise.resolve(EXIT.done);
}

function jsonSchema(name: string, of: z.ZodType): object {
  const schema = z.toJSONSchema(of, {
    // As for input: more fields than those named are allowed.
    io: 'input',
    override: ({ jsonSchema: part }) => {
      // The format says it all; the pattern spells out every month and leap year.
      if (part.format === 'date-time') delete part.pattern;
    },
  });
  const title = name === 'error' ? 'nas-scanner … --json, failed' : `nas-scanner ${name} --json`;
  return { ...schema, title };
}

function list(width: number): string {
  const lines = Object.entries(SCHEMAS).map(([name, { description = '' }]) => {
    // One sentence is enough for a list.
    const sentence = description.replace(/(?:[;:.] .*|\.)$/, '');
    return `${hang(name.padEnd(NAME_COLUMNS), sentence, width)}\n`;
  });
  return `${lines.join('')}\n${paragraph(HOW, width)}\n`;
}
