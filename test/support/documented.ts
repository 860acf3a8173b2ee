import { expect } from 'vitest';
import { SCHEMAS } from '../../cli/json/schemas.js';

/** Asserts that an object is what the command's published schema says, and that no field at any depth is missing there. */
export function expectDocumented(command: string, value: Record<string, unknown>): void {
  const name = command === 'debug' ? 'diagnose' : command;
  expect(Object.keys(SCHEMAS)).toContain(name);
  const parsed = SCHEMAS[name as keyof typeof SCHEMAS].safeParse(value);
  expect(parsed.error?.issues ?? [], `${command} --json printed ${JSON.stringify(value)}`).toEqual([]);
  // Parsing drops what the schema does not name.
  expect(parsed.data, `${command} --json has fields that its schema lacks`).toEqual(value);
}
