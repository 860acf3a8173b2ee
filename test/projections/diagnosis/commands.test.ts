import { Command } from 'commander';
import { expect, test } from 'vitest';
import { scanOptionsFrom, withScanOptions } from '../../../cli/scan-options.js';
import { settableOption } from '../../../cli/settable-option.js';
import type { ScanOptions } from '../../../cli/command-options.js';
import { Commands } from '../../../projections/diagnosis/commands.js';

const host = { hostname: 'tower', bootId: 'b', cpus: 4, memoryBytes: 1 };

/** What `scan` makes of a command line. */
function parsed(words: readonly string[]): ScanOptions {
  const command = withScanOptions(new Command('scan'))
    .addOption(settableOption('--data-dir <dir>', ''))
    .addOption(settableOption('--db-name <file>', ''))
    .addOption(settableOption('--json', '', false))
    .addOption(settableOption('--quiet', '', false))
    .argument('<path>')
    .argument('<name>')
    .parse([...words], { from: 'user' });
  const [path = '', name = ''] = command.args;
  return scanOptionsFrom(command, path, name);
}

function advised(options: ScanOptions, redacted = false): string {
  const { mountPath, mountName, ...journaled } = options;
  const started = { mountPath, mountName, engine: 'docker' as const, options: { ...journaled }, host };
  return new Commands({ dataDir: options.dataDir ?? null, started, redacted }).scan();
}

const GIVEN = [
  ...['/mnt/user/Archive', 'Archive', '--data-dir', '/data', '--db-name', 'mine.db', '--engine', 'docker'],
  ...['--fast-start', '--chunk-size', '50', '--max-containers', '3', '--workers', '2', '--cpus', '1.5'],
  ...['--memory', '512m', '--image', 'mine:1', '--analysis-timeout', '60', '--io-timeout', '5'],
  ...['--start-timeout', '7', '--health-interval', '9', '--stall-timeout', '11', '--stall-action', 'restart'],
  ...[
    '--full-disk-wait',
    '13',
    '--engine-wait',
    '17',
    '--retries',
    '0',
    '--checksum',
    'none',
    '--exclude',
    '*.tmp',
    '--exclude',
    'a b',
  ],
  ...['--one-file-system', '--host-path', '/in=/out', '--host-path', '/i n=/o ut', '--no-nice'],
];

test('the scan that advice names asks for all that the scan did', () => {
  const options = parsed(GIVEN);
  const [program, word, ...words] = splitWords(advised(options));
  expect([program, word]).toEqual(['nas-scanner', 'scan']);
  expect(parsed(words)).toEqual(options);
});

test.each(['0.0001', '0.00001', '0.000001', '0.3', '12.5', '1000000'])(
  'a chunk size of %s GB is named so',
  (size) => {
    const options = parsed(['/mnt/user/Archive', 'Archive', '--chunk-size', size]);
    expect(advised(options)).toBe(`nas-scanner scan /mnt/user/Archive Archive --chunk-size ${size}`);
  },
);

test('what is the default anyway is left away', () => {
  expect(advised(parsed(['/mnt/user/Archive', 'Archive']))).toBe(
    'nas-scanner scan /mnt/user/Archive Archive',
  );
});

test('the usual data directory is left away where our commands find it, and is named where others do not', () => {
  const commands = new Commands({ dataDir: '/data', isUsual: true, started: null, redacted: false });
  expect(commands.own('replay')).toBe('nas-scanner replay');
  expect(commands.dataDir).toBe('/data');
});

test('paths that are masked are nowhere in it', () => {
  const text = advised(parsed(GIVEN), true);
  for (const path of ['/mnt', 'Archive', '/data', '/in', '/out', '*.tmp']) expect(text).not.toContain(path);
});

/** As a shell does it, for words that are bare or in single quotes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}
