import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oneObject, Place, run, runJson } from '../support/cli.js';
import { checkJournal, readRecords } from '../support/outside.js';

const place = new Place();
beforeAll(() => {
  mkdirSync(place.tree);
  writeFileSync(join(place.tree, 'file'), 'content');
});
afterAll(() => {
  place.remove();
});

describe('wrong usage is exit code 2, one clear line, and leaves nothing behind', () => {
  const wrong: [string, string[]][] = [
    ['no command', []],
    ['an unknown command', ['scam']],
    ['an unknown option', place.scanArgs('--frobnicate')],
    ['no path', ['scan']],
    ['no name', ['scan', '/tmp']],
    ['too many arguments', place.scanArgs('more')],
    ['a chunk size of nothing', place.scanArgs('--chunk-size', '0')],
    ['a negative number', place.scanArgs('--max-containers=-1')],
    ['no number', place.scanArgs('--retries', 'many')],
    ['half a worker', place.scanArgs('--workers', '1.5')],
    ['a senseless size', place.scanArgs('--memory', '12 potatoes')],
    ['no CPU', place.scanArgs('--cpus', '0')],
    ['an unknown engine', place.scanArgs('--engine', 'steam')],
    ['an unknown checksum', place.scanArgs('--checksum', 'md5')],
    ['an unknown stall action', place.scanArgs('--stall-action', 'panic')],
    ['a host path without target', place.scanArgs('--host-path', '/mnt')],
    ['both resume and fresh', place.scanArgs('--resume', '--fresh')],
    ['a negative timeout', place.scanArgs('--io-timeout=-5')],
    ['an empty name', ['scan', place.tree, '', '--data-dir', place.dataDir]],
    ['a scan id that is none', place.args('verify', '--scan', 'yesterday')],
    ['a time that is none', place.args('replay', '--until', 'the day before')],
    ['a day that is none', place.args('replay', '--until', '2026-02-30')],
    ['a month that is none', place.args('replay', '--until', '2026-13')],
    ['an hour that is none', place.args('replay', '--until', '2026-02-28T25:00Z')],
    ['a time after the last of a day', place.args('replay', '--until', '2026-02-28T24:01Z')],
    ['a minute that is none', place.args('replay', '--until', '2026-02-28 18:60')],
    ['a zone that is none', place.args('replay', '--until', '2026-02-28T18:00+25:00')],
    ['a time with something behind it', place.args('replay', '--until', '2026-02-28T18:00:00Z or so')],
    ['a time in words that Date reads', place.args('replay', '--until', '2026-02 28 PST')],
    ['an empty data directory', ['scan', place.tree, 'Mount', '--data-dir', '']],
    ['an empty glob', place.scanArgs('--exclude', '')],
    ['an empty image', place.scanArgs('--image', '')],
    ['an empty file', place.args('replay', '--to', '')],
    ['an empty scan id', place.args('verify', '--scan', '')],
    ['a catalog name too long for a file', place.args('stats', '--db-name', 'd'.repeat(240))],
    ['a catalog name of two lines', place.args('stats', '--db-name', 'a\nb')],
    ['an empty page', place.args('diagnose', '--html', '')],
    ['more memory than a number holds', place.scanArgs('--memory', '99999999999999999999999')],
  ];
  test.each(wrong)('%s', async (_what, args) => {
    const outcome = await run(args);
    expect(outcome.code, outcome.stderr).toBe(2);
    expect(outcome.stderr.trim()).not.toBe('');
    expect(outcome.stderr).not.toMatch(/\n\s+at |node:internal/);
    expect(existsSync(place.journal)).toBe(false);
  });

  test.each([
    ['a range that runs backwards', '[z-a]', 'the range z-a runs backwards'],
    ['a class that is none', '[[:vowel:]]', 'there is no class [:vowel:]'],
    ['a backslash that quotes nothing', 'a\\', 'ends in a backslash'],
  ])('a glob with %s, also from the environment', async (_what, glob, why) => {
    for (const command of ['scan', 'preflight']) {
      const args = [
        command,
        place.tree,
        ...(command === 'scan' ? ['Mount'] : []),
        '--data-dir',
        place.dataDir,
      ];
      const typed = await run([...args, '--exclude', '*.tmp', '--exclude', glob]);
      expect(typed).toMatchObject({ code: 2, stdout: '' });
      expect(typed.stderr).toContain(`--exclude ${glob} `);
      const set = await run(args, { env: { NAS_SCANNER_EXCLUDE: `*.tmp,${glob}` } });
      expect(set).toMatchObject({ code: 2, stdout: '' });
      expect(set.stderr).toContain(`NAS_SCANNER_EXCLUDE=${glob} `);
      for (const { stderr } of [typed, set])
        expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(why)]);
    }
    expect(existsSync(place.journal)).toBe(false);
  });

  test('with --json stdout carries one object all the same', async () => {
    const outcome = await run(place.scanArgs('--chunk-size', '0', '--json'));
    expect(outcome.code).toBe(2);
    expect(JSON.parse(outcome.stdout)).toHaveProperty('error');
  });

  test.each([
    ['an option', place.scanArgs('--no\x1b[31m\npe')],
    ['a value', place.scanArgs('--checksum', '\x1b[31m\nx')],
    ['a number', place.scanArgs('--workers', '\x1b[31m\nx')],
    ['a glob', place.scanArgs('--exclude', '\x1b[31m\n\\')],
    ['a command', ['\x1b[31m\nx']],
    ['a scan', place.args('verify', '--scan', '\x1b[31m\nx')],
    ['a data directory', ['stats', '--data-dir', join(place.root, '\x1b[31m\nx')]],
  ])('control characters of %s stay out of the terminal', async (_what, args) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(args[0] === 'stats' ? 1 : 2);
    expect(stderr).not.toContain('\x1b');
    const [line = '', ...more] = stderr.trimEnd().split('\n');
    expect(line).toContain('\\x1b[31m\\x0a');
    expect(more.length).toBeLessThan(2);
    const { error } = oneObject((await run([...args, '--json'])).stdout);
    expect(error).toContain('\\x1b[31m\\x0a');
  });

  test('a guess at what was meant is advice', async () => {
    const typo = await run(place.scanArgs('--wrokers', '2', '--json'));
    expect(typo.stderr).toBe("error: unknown option '--wrokers'\n(Did you mean --workers?)\n");
    expect(oneObject(typo.stdout)).toEqual({
      error: "error: unknown option '--wrokers'",
      hint: '(Did you mean --workers?)',
    });
  });

  test.each([[[]], [['help', 'nope']]])('no command with JSON asked for: %j', async (args) => {
    const { code, stdout } = await run(args, { env: { NAS_SCANNER_JSON: '1' } });
    expect(code).toBe(2);
    expect(oneObject(stdout)).toEqual({
      error: 'no command, or none that there is',
      hint: 'nas-scanner --help shows them',
    });
  });

  test('the environment asks for JSON too, and a flag there takes a yes or a no only', async () => {
    const json = await run(place.scanArgs('--chunk-size', '0'), { env: { NAS_SCANNER_JSON: 'yes' } });
    expect(json.code).toBe(2);
    expect(oneObject(json.stdout)).toHaveProperty('error');
    const maybe = await run(place.scanArgs(), { env: { NAS_SCANNER_FAST_START: 'maybe' } });
    expect([maybe.code, maybe.stderr]).toEqual([2, expect.stringContaining('NAS_SCANNER_FAST_START')]);
  });
});

describe('an owner or a mask that is none is wrong usage, whatever the command', () => {
  const wrong: [string, string, string][] = [
    ['PUID', 'abc', 'a number from 0 to 4294967294, such as 99'],
    ['PUID', '-1', 'a number from 0 to 4294967294'],
    ['PGID', '4294967295', 'a number from 0 to 4294967294, such as 100'],
    ['UMASK', '999', 'an octal mask from 000 to 777, such as 022'],
    ['UMASK', 'u=rwx', 'an octal mask'],
  ];
  test.each(wrong)('%s=%s', async (variable, text, takes) => {
    const commands = [
      place.scanArgs(),
      place.args('preflight', place.tree),
      place.args('replay'),
      place.args('status'),
    ];
    for (const args of commands) {
      const outcome = await run(args, { env: { [variable]: text } });
      expect(outcome).toMatchObject({ code: 2, stdout: '' });
      expect(outcome.stderr.trim().split('\n')).toEqual([expect.stringContaining(`${variable}=${text} `)]);
      expect(outcome.stderr).toContain(takes);
    }
    expect(existsSync(place.dataDir)).toBe(false);
  });
});

describe('a file in the wrong place', () => {
  test.each(['scans', 'status', 'verify', 'repair', 'cleanup'])(
    'as the data directory of %s',
    async (command) => {
      const outcome = await run([command, '--data-dir', join(place.tree, 'file'), '--json']);
      expect(outcome.code).toBe(1);
      expect(oneObject(outcome.stdout)['error']).toContain('is not a directory');
    },
  );

  test('a page that cannot be written leaves one object all the same', async () => {
    const outcome = await run(place.args('diagnose', '--offline', '--html', place.tree, '--json'));
    expect(outcome.code).toBe(1);
    expect(oneObject(outcome.stdout)).toHaveProperty('error');
  });

  test('a catalog takes no place that is no file, and says so where there can be none', async () => {
    const journal = join(place.root, 'empty/journal');
    mkdirSync(journal, { recursive: true });
    const pipe = join(place.root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const replay = (to: string) => run(['replay', '--data-dir', join(place.root, 'empty'), '--to', to]);
    const kept = await replay(pipe);
    expect([kept.code, kept.stderr]).toEqual([1, expect.stringContaining('is not a file')]);
    expect(statSync(pipe).isFIFO()).toBe(true);
    for (const to of [join(place.tree, 'file/x'), join(place.root, 'x'.repeat(300))]) {
      const { code, stderr } = await replay(to);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${to} cannot be made`)]);
      expect(stderr.trim().split('\n')).toHaveLength(2);
    }
  });

  test('a folder is no place for a catalog', async () => {
    mkdirSync(join(place.root, 'empty/journal'), { recursive: true });
    const outcome = await run(['replay', '--data-dir', join(place.root, 'empty'), '--to', place.tree]);
    expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining('is a directory')]);
    expect(outcome.stderr).not.toContain('EISDIR');
  });
});

describe('help', () => {
  test.each([
    [
      ['--help'],
      [
        'scan',
        'preflight',
        'replay',
        'verify',
        'repair',
        'diagnose',
        'status',
        'monitor',
        'stats',
        'scans',
        'cleanup',
        'self-test',
        'schema',
      ],
    ],
    [
      ['scan', '--help'],
      [
        '--data-dir',
        '--db-name',
        '--engine',
        '--fast-start',
        '--chunk-size',
        '--max-containers',
        '--workers',
        '--cpus',
        '--memory',
        '--image',
        '--analysis-timeout',
        '--io-timeout',
        '--start-timeout',
        '--health-interval',
        '--stall-timeout',
        '--stall-action',
        '--full-disk-wait',
        '--retries',
        '--checksum',
        '--exclude',
        '--one-file-system',
        '--host-path',
        '--resume',
        '--fresh',
        '--json',
        '--quiet',
      ],
    ],
  ])('%s names everything', async (args, words) => {
    const outcome = await run(args);
    expect(outcome.code).toBe(0);
    for (const word of words) expect(outcome.stdout).toContain(word);
  });

  test('--version', async () => {
    const outcome = await run(['--version']);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('a mount that cannot be scanned is journaled and explained', () => {
  const cases: [string, string, string][] = [
    ['missing', 'not-there', 'mount.missing'],
    ['a file', 'mount/file', 'mount.missing'],
  ];
  test.each(cases)('%s', async (name, path, code) => {
    const dataDir = join(place.root, `data-${path.replace('/', '-')}`);
    const args = ['scan', join(place.root, path), name, '--data-dir', dataDir, '--engine', 'process'];
    const report = await runJson(args, 1);
    expect(report).toMatchObject({
      outcome: 'incomplete',
      files: 0,
      chunks: { planned: 0, completed: 0, failed: 0 },
    });
    const journal = join(dataDir, 'journal');
    const records = readRecords(journal, String(report['scan']));
    expect(records.map((record) => record.type)).toContain('scan.started');
    expect(records.some((record) => record.type === 'preflight.checked' && record.data['ok'] === false)).toBe(
      true,
    );
    const last = records.filter((record) => record.type === 'scan.completed').at(-1);
    expect(last?.data).toMatchObject({ outcome: 'incomplete', chunks: { planned: 0 } });
    expect(checkJournal(journal).faults).toEqual([]);
    const diagnosis = await runJson(['diagnose', '--offline', '--data-dir', dataDir], 0);
    expect(diagnosis['verdict']).toBe('incomplete');
    const [first] = diagnosis['findings'] as Record<'code' | 'title' | 'advice' | 'evidence', string>[];
    expect(first?.code).toBe(code);
    expect(first?.title).toContain(name === 'a file' ? 'is not a directory' : 'is not there');
    expect(first?.advice.length).toBeGreaterThan(0);
    expect(first?.evidence.length).toBeGreaterThan(0);
  });
});

describe('preflight', () => {
  test('tells every check and its advice', async () => {
    const good = await runJson(place.args('preflight', place.tree, '--engine', 'process'), 0);
    expect(good['ok']).toBe(true);
    for (const check of good['checks'] as Record<string, unknown>[]) {
      expect(Object.keys(check)).toEqual(expect.arrayContaining(['check', 'ok', 'detail', 'advice']));
    }
    const bad = await runJson(
      place.args('preflight', join(place.root, 'not-there'), '--engine', 'process'),
      1,
    );
    expect(bad['ok']).toBe(false);
    const failed = (bad['checks'] as { ok: boolean; advice: string }[]).filter((check) => !check.ok);
    expect(failed.length).toBeGreaterThan(0);
    for (const check of failed) expect(check.advice).not.toBe('');
  });

  test('starts no scan', () => {
    const journal = existsSync(place.journal) ? readdirSync(place.journal) : [];
    expect(journal).toEqual([]);
  });
});

describe('a data directory that cannot be written', () => {
  test('is one clear line and exit code 1', async () => {
    const outcome = await run(['scan', place.tree, 'Mount', '--data-dir', join(place.tree, 'file', 'data')]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(join(place.tree, 'file'));
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
  });
});

describe('commands on a data directory without a journal', () => {
  test.each(['verify', 'replay', 'diagnose', 'status', 'stats', 'scans', 'repair'])('%s', async (command) => {
    const args = [command, '--data-dir', join(place.root, 'nothing-here'), '--json'];
    const outcome = await run(args);
    expect([0, 1]).toContain(outcome.code);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    const object = JSON.parse(outcome.stdout) as Record<string, unknown>;
    if (command === 'diagnose') expect(object['verdict']).toBe('none');
    if (command === 'scans') expect(object['scans']).toEqual([]);
    if (command === 'verify') expect(object).toMatchObject({ sound: true, records: 0, segments: [] });
  });
});

describe('paths', () => {
  test('PATH is made absolute', async () => {
    const data = join(place.root, 'relative');
    const report = await runJson(
      ['scan', 'mount', 'Relative', '--data-dir', data, '--engine', 'process'],
      0,
      {
        cwd: place.root,
      },
    );
    const [started] = readRecords(join(data, 'journal'), String(report['scan'])).filter(
      (record) => record.type === 'scan.started',
    );
    expect(started?.data['mountPath']).toBe(place.tree);
    const again = await runJson(
      ['scan', `${place.tree}/./`, 'Relative', '--data-dir', data, '--engine', 'process'],
      0,
    );
    expect(again['files']).toBe(report['files']);
  });

  test('a mount given by a symlink is scanned below the link', async () => {
    const link = join(place.root, 'link');
    symlinkSync(place.tree, link);
    const data = join(place.root, 'linked');
    const report = await runJson(['scan', link, 'Link', '--data-dir', data, '--engine', 'process'], 0);
    expect(report['files']).toBe(1);
  });
});
