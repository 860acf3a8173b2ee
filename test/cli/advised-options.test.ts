import { Command } from 'commander';
import { expect, test } from 'vitest';
import { scanOptionsFrom, withScanOptions } from '../../cli/scan-options.js';
import type { EventData } from '../../journal/events/index.js';
import { Commands } from '../../projections/diagnosis/commands.js';
import { HOST } from '../support/craft-scan.js';

/** A command line without what belongs to this call alone: where data lies, what is printed, whether to go on. */
const NOT_REPEATED = new Set(['--resume', '--fresh']);

/** The scan that advice gives for one that was begun with these words. */
function advised(...words: string[]): string {
  const command = withScanOptions(new Command('scan'));
  command.parse(words, { from: 'user' });
  const { mountPath, mountName, ...options } = scanOptionsFrom(command, '/mnt/a', 'A');
  const started = {
    mountPath,
    mountName,
    engine: 'process',
    options,
    host: HOST,
  } as EventData<'scan.started'>;
  return new Commands({ dataDir: null, started, redacted: false }).scan();
}

test('a scan with the defaults is advised without any option', () => {
  expect(advised()).toBe('nas-scanner scan /mnt/a A');
});

const OTHER_VALUES: Record<string, string> = {
  '--engine': 'docker',
  '--memory': '536870912',
  '--image': 'other:1',
  '--stall-action': 'restart',
  '--checksum': 'full',
  '--exclude': '*.tmp',
  '--host-path': '/a=/b',
};

test.each(
  withScanOptions(new Command('scan')).options.flatMap(({ long, required }): [string, string[]][] => {
    if (long === undefined || NOT_REPEATED.has(long)) return [];
    return [[long, required ? [long, OTHER_VALUES[long] ?? '3'] : [long]]];
  }),
)('%s is repeated where it was given', (_, words) => {
  const [flag = '', value] = words;
  const said = advised(...words).replaceAll("'", '');
  expect(said).toBe(`nas-scanner scan /mnt/a A ${flag}${value === undefined ? '' : ` ${value}`}`);
});
