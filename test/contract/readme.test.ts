import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../cli/exit-codes.js';
import { createProgram } from '../../cli/program.js';
import { AdvisedPlace } from '../support/advice.js';
import { runJson } from '../support/cli.js';

// What the README tells people to type is typed here, and what it lists is held against the program.

const PROJECT = resolve(import.meta.dirname, '../..');
const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');

/** The text below a heading, up to the next one. */
function section(heading: string): string {
  const [, below = ''] = README.split(`${heading}\n`);
  return below.split(/^##+ /m)[0] ?? '';
}

/** What stands as code in the cells of a table's column, in the order of the rows. */
function column(table: string, index: number): string[] {
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const cells = rows.map((row) => row.replaceAll('\\|', '¦').split('|')[index + 1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
}

function block(text: string, language: string): string {
  return new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text)?.[1] ?? '';
}

const [program, scan] = ((all) => [all, all.commands.find((each) => each.name() === 'scan')])(
  createProgram(),
);
const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort();

describe('what the README lists', () => {
  test('are the commands', () => {
    const names = program.createHelp().visibleCommands(program);
    const known = names.map((each) => each.name()).filter((name) => name !== 'help');
    const listed = column(section('## Commands'), 0).map((code) => code.split(' ')[0] ?? '');
    expect(sorted(listed)).toEqual(sorted(known));
  });

  test('are the options of scan, with their defaults', () => {
    const options = section('### Options of `scan` and `preflight`');
    const everywhere = ['--data-dir', '--db-name', '--json', '--quiet'];
    const longs = (text: string): string[] => text.match(/--[a-z][a-z-]+/g) ?? [];
    const table = options.split('\n').filter((line) => line.startsWith('|'));
    const listed = table.flatMap((line) => longs(line)).filter((long) => !everywhere.includes(long));
    const known = scan?.options.map(({ long }) => long ?? '').filter((long) => !everywhere.includes(long));
    expect(sorted(listed)).toEqual(sorted(known ?? []));
    for (const [, cell, value] of options
      .replaceAll('\\|', '¦')
      .matchAll(/^\| `([^|]*)` \| `?([^|`]+)`? \|/gm)) {
      const long = longs(cell ?? '')[0];
      const fallback: unknown = scan?.options.find((each) => each.long === long)?.defaultValue;
      if (typeof fallback === 'string') expect(value, long).toBe(fallback);
    }
  });

  test('are the exit codes', () => {
    const codes = [...section('### Exit codes').matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = '']) =>
      cell.split(', '),
    );
    expect(codes.map(Number)).toEqual(Object.values(EXIT));
  });

  test('are the scripts and folders of this project', () => {
    const { scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, run, name = ''] of README.matchAll(/npm (run )?(build|lint|test|torture|bench|start)\b/g)) {
      expect(scripts, `npm ${run ?? ''}${name}`).toHaveProperty(name);
    }
    for (const [, path = ''] of README.matchAll(/\]\(([^)h][^)]*)\)/g))
      expect(existsSync(join(PROJECT, path)), path).toBe(true);
    for (const [, folder = ''] of section('## What lies where').matchAll(/^ {4}([a-z]+)\//gm))
      expect(existsSync(join(PROJECT, folder)), folder).toBe(true);
  });
});

describe('what the README tells people to type', () => {
  let place: AdvisedPlace;
  beforeAll(async () => {
    place = new AdvisedPlace();
    mkdirSync(join(place.tree, 'photos'), { recursive: true });
    for (const name of ['a.jpg', 'copy of a.jpg'])
      writeFileSync(join(place.tree, 'photos', name), 'the same');
    await runJson(place.scanArgs(), 0);
  });
  afterAll(() => {
    place.remove();
  });

  /** With this place for the share and its catalog, and where a person would look on, once. */
  function here(text: string): string {
    return text
      .replaceAll('/mnt/user/appdata/nas-scanner', place.dataDir)
      .replaceAll('/mnt/user/Archive Archive', `${place.tree} Mount`)
      .replaceAll('/mnt/user/Archive', place.tree)
      .replace(/^tail -f/, 'tail')
      .replace(/^watch '(.*)'/, '$1');
  }

  /** The lines of the recipes, those that go on over several as one; less what needs an engine. */
  function recipes(): string[] {
    const text = block(section('## Recipes'), 'bash');
    const lines = text.split(/\n(?! {10})/).map((line) => line.replace(/(?:^| +)# .*$/gm, ''));
    return lines.filter((line) => line !== '' && !line.includes('docker'));
  }

  /** In the log of a sound scan that took a moment: exit code 1. */
  const FINDS_NOTHING = /^grep (?:-i error|"Failed|"HEALTH)/;

  test('in its recipes', async () => {
    const [cd = '', ...commands] = recipes();
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      const env = { NAS_SCANNER_DATA_DIR: place.dataDir, NAS_SCANNER_ENGINE: 'process' };
      const outcome = await place.paste(`${here(cd)} && ${here(command)}`, { env });
      const expected = FINDS_NOTHING.test(command) ? 1 : 0;
      expect(outcome.code, `${command}\n${outcome.stdout}${outcome.stderr}`).toBe(expected);
      if (expected === 0) expect(outcome.stdout, command).not.toBe('');
    }
  });

  test('to fold over the journal by jq', async () => {
    const command = block(section('## A projection of your own'), 'bash');
    const outcome = await place.paste(`cd ${place.dataDir} && ${command}`);
    expect(outcome).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('to write a projection', async () => {
    const script = join(place.root, 'checkout', 'by-day.mjs');
    mkdirSync(dirname(script));
    for (const name of ['dist', 'node_modules'])
      symlinkSync(join(PROJECT, name), join(dirname(script), name));
    copyFileSync(join(PROJECT, 'package.json'), join(dirname(script), 'package.json'));
    writeFileSync(script, block(section('## A projection of your own'), 'js'));
    const outcome = await place.paste(`node ${script} ${place.dataDir}`);
    const today = new Date().toISOString().slice(0, 10);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^\d{4}-\d\d-\d\d 2\n$/);
    expect(Date.parse(outcome.stdout.slice(0, 10))).toBeLessThanOrEqual(Date.parse(today));
    rmSync(dirname(script), { recursive: true });
  });
});
