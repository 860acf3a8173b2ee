import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../cli/program.js';
import { oneObject, Place, run, runJson } from '../support/cli.js';
import { expectDocumented } from '../support/documented.js';

const GOLDEN = fileURLToPath(new URL('../fixtures/golden-journal', import.meta.url));

/** A scanned folder, once as it is and once with a damaged and a torn journal; the golden journal, which has sizes beyond 2^53. */
const place = new Place();
const damaged = join(place.root, 'damaged');
const golden = join(place.root, 'golden');
const empty = join(place.root, 'empty');

beforeAll(async () => {
  mkdirSync(join(place.tree, 'folder'), { recursive: true });
  mkdirSync(empty);
  for (const name of ['a.txt', 'folder/b.jpg']) writeFileSync(join(place.tree, name), name);
  expectDocumented('scan', await runJson(place.scanArgs('--fast-start'), 0));
  cpSync(place.dataDir, damaged, { recursive: true });
  cpSync(GOLDEN, golden, { recursive: true });
  damage(join(damaged, 'journal'));
});
afterAll(() => {
  place.remove();
});

/** One bit of a record in the middle of the coordinator's segment, and a record begun and cut off in a new epoch. */
function damage(journal: string): void {
  const [scan = ''] = readdirSync(journal);
  const segment = join(journal, scan, 'coordinator/0001-0001.ndjson');
  const bytes = readFileSync(segment);
  const middle = bytes.indexOf('"chunk.planned"');
  expect(middle).toBeGreaterThan(0);
  bytes.writeUInt8(bytes.readUInt8(middle + 1) ^ 1, middle + 1);
  writeFileSync(segment, bytes);
  const worker = join(journal, scan, 'worker-0001/0002-0001.ndjson');
  writeFileSync(worker, '{"seq":1,"durable":0,"id":"01');
}

/** Runs a command with --json on a data directory and gives its object, compared with the schema. */
async function shown(
  dataDir: string,
  code: number,
  command: string,
  ...more: string[]
): Promise<Record<string, unknown>> {
  const value = await runJson([command, ...more, '--data-dir', dataDir], code);
  expectDocumented('error' in value ? 'error' : command, value);
  return value;
}

describe('what --json prints is what the schemas say', () => {
  test('of a damaged journal', async () => {
    const verified = await shown(damaged, 5, 'verify');
    const states = (verified['segments'] as { state: string }[]).map(({ state }) => state);
    expect(states).toEqual(expect.arrayContaining(['damaged', 'torn']));
    expect(((await shown(damaged, 0, 'diagnose'))['findings'] as unknown[]).length).toBeGreaterThan(0);
    await shown(damaged, 0, 'status');
    await shown(damaged, 0, 'scans');
    expect(((await shown(damaged, 0, 'repair', '--dry-run'))['steps'] as unknown[]).length).toBe(2);
    await shown(damaged, 5, 'replay');
    await shown(damaged, 0, 'repair');
  });

  test('of sizes beyond 2^53: strings of digits', async () => {
    await shown(golden, 0, 'replay');
    const digits = expect.stringMatching(/^\d{16,}$/) as unknown;
    expect(await shown(golden, 0, 'stats')).toMatchObject({ bytes: digits });
    expect(await shown(golden, 0, 'diagnose')).toMatchObject({ totals: { bytes: digits } });
    expect(await shown(golden, 0, 'status')).toMatchObject({ bytes: digits });
    expect(await shown(golden, 0, 'scans')).toMatchObject({ scans: [{ bytes: digits }] });
  });

  test('of an empty data directory', async () => {
    expect(await shown(empty, 0, 'verify')).toMatchObject({ segments: [] });
    expect(await shown(empty, 0, 'repair')).toMatchObject({ steps: [] });
    expect(await shown(empty, 0, 'scans')).toEqual({ scans: [] });
    expect(await shown(empty, 0, 'status')).toMatchObject({ scan: null });
    expect(await shown(empty, 0, 'diagnose')).toMatchObject({ scan: null });
    await shown(empty, 1, 'stats');
    await shown(empty, 1, 'replay');
  });

  test('of what cannot be done: {error, hint?}', async () => {
    const error = expect.any(String) as unknown;
    expect(await shown(empty, 2, 'verify', '--scan', 'nonsense')).toMatchObject({ error });
    expect(await shown(empty, 2, 'schema', 'nonsense')).toMatchObject({ error, hint: error });
    const missing = join(place.root, 'nothing');
    expect(await shown(empty, 1, 'preflight', missing, '--engine', 'process')).toMatchObject({ ok: false });
    const failed = await shown(empty, 1, 'scan', missing, 'Nothing', '--engine', 'process');
    expect(failed).toMatchObject({ outcome: 'incomplete', chunks: { planned: 0 } });
  });
});

describe('schema', () => {
  test('every command that takes --json has one, and none forbids additions', async () => {
    const schemas = oneObject((await run(['schema', '--json'])).stdout) as Record<string, Schema>;
    const commands = createProgram().commands.filter(({ options }) =>
      options.some(({ long }) => long === '--json'),
    );
    expect(Object.keys(schemas).sort()).toEqual([...commands.map((each) => each.name()), 'error'].sort());
    for (const [name, schema] of Object.entries(schemas)) {
      expect(schema, name).toMatchObject({
        title: expect.stringContaining(name === 'error' ? 'failed' : name) as unknown,
      });
      expect(schema.description, name).toBeTruthy();
      expect(JSON.stringify(schema), name).not.toContain('"additionalProperties":false');
    }
    const { properties } = schemas['stats'] ?? {};
    expect(properties?.['bytes']).toMatchObject({
      description: 'sum of their sizes; beyond 2^53 a string of decimal digits',
      anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^\\d+$' }],
    });
  });

  test('of one command, indented for people; a list of all without', async () => {
    const one = await run(['schema', 'debug']);
    expect(one.code, one.stderr).toBe(0);
    expect(oneObject(one.stdout)).toMatchObject({ title: 'nas-scanner diagnose --json' });
    const list = await run(['schema']);
    expect(list.stdout).toMatch(/^self-test\s+What was proven on a throw-away directory$/m);
    expect(list.stdout.split('\n').filter((line) => line.length > 110)).toEqual([]);
  });
});

interface Schema {
  description?: string;
  properties?: Record<string, object>;
}
