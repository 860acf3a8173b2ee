import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oneObject, Place, run, runJson, type Outcome } from '../support/cli.js';
import { expectDocumented } from '../support/documented.js';
import { plantOddTree } from '../support/odd-tree.js';

const place = new Place();
let scan: Outcome;

beforeAll(async () => {
  mkdirSync(place.tree);
  plantOddTree(place.tree);
  writeFileSync(
    join(place.tree, 'zz \u001b]0;title\u0007\u001b[2J\u009b31m.txt'),
    'a name that would drive a terminal',
  );
  scan = await run(place.scanArgs());
  chmodSync(place.root, 0o755);
});
afterAll(() => {
  place.remove();
});

/** Each command with an argument list that needs nothing but the data directory. */
const COMMANDS: Record<string, string[]> = {
  preflight: [place.tree, '--engine', 'process'],
  replay: [],
  verify: [],
  repair: [],
  diagnose: ['--offline'],
  debug: ['--offline'],
  status: [],
  monitor: [],
  stats: [],
  scans: [],
  cleanup: [],
  'self-test': [],
  schema: [],
};

describe('without a terminal', () => {
  test('log lines go to stderr, and no escape sequence anywhere', () => {
    expect(scan.code, scan.stderr).toBe(0);
    expect(scan.stderr).toContain('SMART SCAN COMPLETE');
    expect(scan.stderr).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO /);
    expectPlain(scan);
  });

  test.each(Object.entries(COMMANDS))('%s speaks plainly', async (command, more) => {
    const outcome = await run(place.args(command, ...more));
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(outcome.stdout.trim()).not.toBe('');
    expectPlain(outcome);
  });

  test.each(Object.entries(COMMANDS))(
    '%s --json is exactly one object, as its schema says',
    async (command, more) => {
      const outcome = await run(place.args(command, ...more, '--json'));
      expect(outcome.code, outcome.stderr).toBe(0);
      expectDocumented(command, oneObject(outcome.stdout));
      expect(outcome.stdout.trimEnd().split('\n').length).toBe(1);
    },
  );

  test('--quiet says nothing where nothing is wrong', async () => {
    const outcome = await run(place.scanArgs('--quiet'));
    expect(outcome.code).toBe(0);
    expect(outcome.stdout + outcome.stderr).toBe('');
  });
});

describe('diagnose', () => {
  test('--html writes one page that needs no network; --redact masks paths', async () => {
    const page = join(place.root, 'page.html');
    const outcome = await run(place.args('diagnose', '--offline', '--html', page, '--redact'));
    expect(outcome.code, outcome.stderr).toBe(0);
    const html = readFileSync(page, 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    expect(html).not.toContain(place.tree);
    expect(html).not.toContain('Photos');
  });
});

test('verify sees that somebody changed a row of the catalog', async () => {
  const before = await runJson(place.args('verify'), 0);
  expect(before['catalog']).toMatchObject({ state: 'agrees' });
  const change = 'UPDATE files SET size = size + 1 WHERE path = (SELECT min(path) FROM files)';
  expect(spawnSync('sqlite3', [place.catalog, change]).status).toBe(0);
  const after = await runJson(place.args('verify'), 0);
  expect(after['catalog']).toMatchObject({ state: 'mismatch' });
});

/** No control character but the line feed: no name may drive a terminal, no colour where nobody sees it. */
function expectPlain(outcome: Outcome): void {
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  expect(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.exec(outcome.stdout + outcome.stderr)).toBeNull();
}
