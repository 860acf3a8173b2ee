import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../cli/program.js';
import { run } from '../support/cli.js';
import { plainYaml } from '../support/plain-yaml.js';

const PROJECT = resolve(import.meta.dirname, '../..');
const SOCKET = '/var/run/docker.sock';
/** What is no option of the scanner: owner and mode of what it writes, and the time in its log. */
const OTHER_VARIABLES = ['PUID', 'PGID', 'UMASK', 'TZ'];

const scan = createProgram().commands.find((command) => command.name() === 'scan');
const options = scan?.options ?? [];
const defaultOf = (long: string): unknown => options.find((option) => option.long === long)?.defaultValue;
const variables = options.map(
  ({ long }) => `NAS_SCANNER_${(long ?? '').slice(2).toUpperCase().replaceAll('-', '_')}`,
);

/** A container as a file for people describes it. */
interface Described {
  image: string;
  command: string[];
  environment: Record<string, string>;
  /** Inside to outside. */
  volumes: Map<string, { outside: string; mode: string }>;
  stopSeconds: number;
}

function compose(): Described {
  const { services } = plainYaml(readFileSync(resolve(PROJECT, 'compose.yaml'), 'utf8')) as {
    services: { scanner: Record<string, unknown> };
  };
  const { image, command, environment, volumes, stop_grace_period, init, network_mode } =
    services.scanner as {
      [key: string]: string;
    } & { command: string[]; environment: Record<string, string>; volumes: string[] };
  expect({ init, network_mode }).toEqual({ init: 'true', network_mode: 'none' });
  return {
    image: image ?? '',
    command,
    environment,
    volumes: new Map(
      volumes.map((volume) => {
        const [outside = '', inside = '', mode = 'rw'] = volume.split(':');
        return [inside, { outside, mode }];
      }),
    ),
    stopSeconds: Number.parseInt(stop_grace_period ?? '', 10),
  };
}

/** The template as Unraid's form has it: one entry for each field. */
function unraid(): Described {
  const program = `
import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(json.dumps({each.tag: each.text or '' for each in root if each.tag != 'Config'} | {
  'configs': [each.attrib | {'value': each.text or ''} for each in root.findall('Config')]}))`;
  const file = resolve(PROJECT, 'unraid/nas-scanner.xml');
  const done = spawnSync('python3', ['-c', program, file], { encoding: 'utf8' });
  expect(done.status, done.stderr).toBe(0);
  const template = JSON.parse(done.stdout) as Record<string, string> & { configs: Record<string, string>[] };
  const { Repository = '', PostArgs = '', ExtraParams = '', Network, Privileged, configs } = template;
  expect({ Network, Privileged }).toEqual({ Network: 'none', Privileged: 'false' });
  expect(ExtraParams).toMatch(/(^| )--init( |$)/);
  const ofType = (type: string): Record<string, string>[] => configs.filter((each) => each['Type'] === type);
  for (const { Name, Default, value } of configs) {
    // Unraid offers a default of several words as a list to choose from.
    expect((Default ?? '').split('|'), Name).toContain(value);
  }
  return {
    image: Repository,
    command: PostArgs.split(' '),
    environment: Object.fromEntries(ofType('Variable').map(({ Target = '', value = '' }) => [Target, value])),
    volumes: new Map(
      ofType('Path').map(({ Target = '', value = '', Mode = '' }) => [
        Target,
        { outside: value, mode: Mode },
      ]),
    ),
    stopSeconds: Number(/--stop-timeout (\d+)/.exec(ExtraParams)?.[1]),
  };
}

describe.each([
  ['compose.yaml', compose],
  ['the Unraid template', unraid],
])('%s', (_name, read) => {
  const { image, command, environment, volumes, stopSeconds } = read();
  const dataDir = environment['NAS_SCANNER_DATA_DIR'] ?? '';

  test('starts the image that workers are started from, with time to stop in order', () => {
    expect(image).toBe(defaultOf('--image'));
    expect(stopSeconds).toBeGreaterThan(8); // workers flush and seal within that
  });

  test('gives it the socket, the share read-only and the data directory, each under its own name', () => {
    for (const [inside, { outside }] of volumes) expect(outside).toBe(inside);
    expect(volumes.get(SOCKET)?.mode).toBe('rw');
    expect(volumes.get(dataDir)?.mode).toBe('rw');
    const [word, path = '', name] = command;
    expect([word, name]).toEqual(['scan', 'Archive']);
    const share = [...volumes].find(([inside]) => path.startsWith(`${inside}/`));
    expect(share?.[1].mode).toMatch(/^ro,r?slave$/);
  });

  test('sets only what there is', () => {
    const known = new Set([...variables, ...OTHER_VARIABLES]);
    expect(Object.keys(environment).filter((variable) => !known.has(variable))).toEqual([]);
    expect(environment).toMatchObject({ PUID: '99', PGID: '100', UMASK: '022' });
  });

  test('sets it to what the program takes', async () => {
    // Wrong values are told before anything is looked at, and end it with 2; a path that is not there, with 1.
    const [, , ...more] = command;
    const missing = [
      'scan',
      '/nowhere/at/all',
      ...more,
      '--engine',
      'process',
      '--data-dir',
      '/proc/nowhere',
    ];
    const { code, stderr } = await run(missing, { env: environment });
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('cannot write to the data directory');
  });
});

test('the template offers what is the default anyway', () => {
  const { environment } = unraid();
  expect(environment['NAS_SCANNER_MAX_CONTAINERS']).toBe(defaultOf('--max-containers'));
  expect(environment['NAS_SCANNER_CHECKSUM']).toBe(defaultOf('--checksum'));
});
