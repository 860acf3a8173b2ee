import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRY, Place, run, runJson } from '../support/cli.js';
import { listByCatalog, listByFind, readRecords, sql } from '../support/outside.js';

const isRoot = process.getuid?.() === 0;
const place = new Place();
const at = (name: string): string => join(place.root, name);

/** A scan of the tree into a data directory of its own. */
function scan(dataDir: string, code: number, more: string[] = [], env: Record<string, string> = {}) {
  return runJson(['scan', place.tree, 'Mount', '--data-dir', dataDir, '--engine', 'process', ...more], code, {
    env,
  });
}

beforeAll(() => {
  for (const folder of ['a', 'b/c', '@eaDir', 'b/node_modules/x'])
    mkdirSync(join(place.tree, folder), { recursive: true });
  for (const name of [
    'a/one.txt',
    'a/two.tmp',
    'b/three.txt',
    'b/c/four.tmp',
    '@eaDir/thumb.jpg',
    'b/node_modules/x/y.js',
    'root.tmp',
  ])
    writeFileSync(join(place.tree, name), name);
});
afterAll(() => {
  place.remove();
});

describe('where the data goes', () => {
  test('NAS_SCANNER_DATA_DIR, and --db-name by option and environment', async () => {
    const args = ['scan', place.tree, 'Mount', '--engine', 'process', '--db-name', 'mine.db'];
    await runJson(args, 0, { env: { NAS_SCANNER_DATA_DIR: at('by-env') } });
    expect(Number(sql(join(at('by-env'), 'mine.db'), 'SELECT count(*) FROM files'))).toBe(7);
    expect(existsSync(join(at('by-env'), 'smart_catalog.db'))).toBe(false);
    await runJson(['replay', '--data-dir', at('by-env')], 0, { env: { NAS_SCANNER_DB_NAME: 'other.db' } });
    expect(existsSync(join(at('by-env'), 'other.db'))).toBe(true);
  });

  test('else XDG_DATA_HOME, else the home directory', async () => {
    if (existsSync('/mnt/user/appdata')) return;
    const args = ['scan', place.tree, 'Mount', '--engine', 'process'];
    await runJson(args, 0, { env: { XDG_DATA_HOME: at('xdg'), HOME: at('home') } });
    expect(existsSync(join(at('xdg'), 'nas-scanner/journal'))).toBe(true);
    const { ok } = await runJson(['preflight', ...args.slice(1, 2), ...args.slice(3)], 0, {
      env: { HOME: at('home') },
    });
    expect(ok).toBe(true);
    expect(existsSync(join(at('home'), '.local/share/nas-scanner'))).toBe(true);
  });

  test('an empty XDG_DATA_HOME counts as none', async () => {
    const args = ['scan', place.tree, 'Mount', '--engine', 'process'];
    const env = { XDG_DATA_HOME: '', HOME: at('home-only') };
    const report = await runJson(args, 0, { env });
    expect(report['catalog']).toBe(join(at('home-only'), '.local/share/nas-scanner/smart_catalog.db'));
  });

  test.each(['../up.db', '', 'lock.db', 'journal'])(
    '--db-name %j is no file name of a catalog',
    async (name) => {
      const data = at('no-name');
      const outcome = await run(['scan', place.tree, 'Mount', '--data-dir', data, '--db-name', name]);
      expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringContaining('--db-name')]);
      expect(existsSync(data)).toBe(false);
    },
  );

  test('a data directory inside the mount is left out, and that is said', async () => {
    const inside = join(place.tree, 'b/c/data');
    const outcome = await run([
      'scan',
      place.tree,
      'Mount',
      '--data-dir',
      inside,
      '--engine',
      'process',
      '--json',
    ]);
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(listByCatalog(join(inside, 'smart_catalog.db'))).toEqual(
      listByFind(place.tree, '-path', inside, '-prune', '-o'),
    );
    expect(outcome.stderr).toContain(inside);
  });
});

describe('what goes in', () => {
  test('--exclude by name and by path, repeatable, also from the environment', async () => {
    await scan(at('exclude'), 0, [
      '--exclude',
      '*.tmp',
      '--exclude',
      'b/node_modules',
      '--exclude',
      '@eaDir',
    ]);
    const found = listByFind(
      place.tree,
      '(',
      '-name',
      '*.tmp',
      '-o',
      '-path',
      '*/b/node_modules',
      '-o',
      '-name',
      '@eaDir',
      '-o',
      '-name',
      'data',
      ')',
      '-prune',
      '-o',
    );
    const catalog = listByCatalog(join(at('exclude'), 'smart_catalog.db')).filter(
      (line) => !line.includes(Buffer.from('/data/').toString('hex')),
    );
    expect(catalog).toEqual(found);
    const report = await scan(at('exclude-env'), 3, [], { NAS_SCANNER_EXCLUDE: '*' });
    expect(report['files']).toBe(0);
  });

  test('--exclude reads brackets and backslashes as a shell does', async () => {
    const odd = at('odd');
    mkdirSync(odd);
    for (const name of ['[x]', 'x]', 'a]', '*', 'b', '!']) writeFileSync(join(odd, name), name);
    const left = async (data: string, more: string[], env: Record<string, string> = {}): Promise<string> => {
      await runJson(['scan', odd, 'Odd', '--data-dir', at(data), '--engine', 'process', ...more], 0, { env });
      return sql(join(at(data), 'smart_catalog.db'), "SELECT group_concat(substr(path, -1), '') FROM files");
    };
    expect(await left('odd-1', ['--exclude', '[[]x]', '--exclude', 'a]', '--exclude', '\\*'])).toBe('!b]');
    expect(await left('odd-2', [], { NAS_SCANNER_EXCLUDE: '[[]x],{a,x}],[,!]' })).toBe('*b');
  });

  test('--checksum none|sampled|full', async () => {
    const checksum = async (mode: string): Promise<string> => {
      await scan(at(`checksum-${mode}`), 0, ['--checksum', mode]);
      return sql(
        join(at(`checksum-${mode}`), 'smart_catalog.db'),
        `SELECT checksum FROM files WHERE path = '${place.tree}/a/one.txt'`,
      );
    };
    expect(await checksum('none')).toBe('');
    expect(await checksum('sampled')).toMatch(/^[0-9a-f]{128}$/);
    expect(await checksum('full')).toMatch(/^blake3:[0-9a-f]{64}$/);
  });

  test('NAS_SCANNER_<OPTION> sets what the option sets; the option wins', async () => {
    const env = {
      NAS_SCANNER_CHECKSUM: 'none',
      NAS_SCANNER_MAX_CONTAINERS: '1',
      NAS_SCANNER_RETRIES: '5',
      NAS_SCANNER_FAST_START: 'true',
    };
    const report = await scan(at('env'), 0, ['--retries', '1'], env);
    const started = readRecords(join(at('env'), 'journal'), String(report['scan'])).find(
      (each) => each.type === 'scan.started',
    );
    const options = started?.data['options'] as Record<string, unknown>;
    expect(options).toMatchObject({ checksum: 'none', maxContainers: 1, retries: 1, fastStart: true });
    const wrong = await run(['scan', place.tree, 'Mount', '--data-dir', at('env')], {
      env: { NAS_SCANNER_CHECKSUM: 'md5' },
    });
    expect(wrong.code).toBe(2);
    const resume = ['scan', place.tree, 'Mount', '--data-dir', at('env'), '--engine', 'process', '--resume'];
    const nothing = await run(resume, { env: { NAS_SCANNER_FRESH: '1' } });
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('nothing to resume')]);
  });

  test('NAS_SCANNER_JSON=1 gives the object too, and an option that is switched off in the environment is off', async () => {
    const args = ['scan', place.tree, 'Mount', '--data-dir', at('json-env'), '--engine', 'process'];
    const outcome = await run(args, { env: { NAS_SCANNER_JSON: '1', NAS_SCANNER_FAST_START: 'false' } });
    const report = JSON.parse(outcome.stdout) as Record<string, unknown>;
    const started = readRecords(join(at('json-env'), 'journal'), String(report['scan'])).find(
      (each) => each.type === 'scan.started',
    );
    expect((started?.data['options'] as Record<string, unknown>)['fastStart']).toBe(false);
  });

  test('a DOCKER_HOST that is no address costs --engine auto nothing, and is a finding for --engine docker', async () => {
    const data = at('no-address');
    const args = ['scan', place.tree, 'Mount', '--data-dir', data, '--fresh'];
    const env = { DOCKER_HOST: 'tcp://127.0.0.1:99999' };
    expect(await runJson([...args, '--engine', 'auto'], 0, { env })).toMatchObject({ engine: 'process' });
    await runJson([...args, '--engine', 'docker'], 1, { env });
    const { findings } = await runJson(['diagnose', '--data-dir', data], 0, { env });
    expect((findings as { code: string }[])[0]?.code).toBe('docker.unreachable');
    await runJson(['cleanup', '--data-dir', data], 1, { env });
  });

  test('too many CPUs and too much memory are clamped, said and journaled', async () => {
    const args = [
      'scan',
      place.tree,
      'Mount',
      '--data-dir',
      at('clamp'),
      '--engine',
      'process',
      '--cpus',
      '4096',
      '--memory',
      '900t',
      '--json',
    ];
    const outcome = await run(args);
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(outcome.stderr).toMatch(/4096/);
    const { scan } = JSON.parse(outcome.stdout) as { scan: string };
    const journaled = readRecords(join(at('clamp'), 'journal'), scan).filter(
      (each) => each.type === 'preflight.checked',
    );
    expect(JSON.stringify(journaled)).toContain('4096');
  });
});

describe('who owns what is written', () => {
  /** Owner and mode of everything in a data directory. */
  const owners = (dataDir: string): string[] => {
    const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' });
    return names.map((name) => {
      const { uid, gid, mode } = statSync(join(dataDir, name));
      return `${name} ${uid}:${gid} ${(mode & 0o777).toString(8)}`;
    });
  };

  test.skipIf(!isRoot).each([
    { umask: '027', file: '640', folder: '750' },
    { umask: '000', file: '666', folder: '777' },
  ])('PUID, PGID and UMASK $umask, of every file and folder', async ({ umask, file, folder }) => {
    const data = at(`owned-${umask}`);
    const env = { PUID: '1234', PGID: '2345', UMASK: umask };
    await scan(data, 0, [], env);
    const copy = join(data, 'copy.db');
    await runJson(['replay', '--data-dir', data], 0, { env });
    await runJson(['replay', '--data-dir', data, '--to', copy], 0, { env });
    await runJson(['replay', '--data-dir', data, '--to', join(data, 'new/folder/copy.db')], 0, { env });
    const page = join(data, 'page.html');
    await runJson(['diagnose', '--data-dir', data, '--html', page], 0, { env });
    const other = join(data, 'other.html');
    writeFileSync(other, 'a longer page of before '.repeat(100_000));
    await runJson(['diagnose', '--data-dir', data, '--html', other], 0, { env });
    expect(readFileSync(other, 'utf8')).toMatch(/^<!doctype html>(?:(?!of before)[^])*<\/html>\n$/);
    await runJson(['diagnose', '--data-dir', data, '--html', '/dev/null'], 0, { env });
    expect(statSync('/dev/null')).toMatchObject({ uid: 0, gid: 0, mode: 0o20666 });
    await scan(data, 0, [], env);
    const written = owners(data);
    expect(written.length).toBeGreaterThan(12);
    const isFolder = (name: string): boolean => statSync(join(data, name)).isDirectory();
    for (const line of written) {
      const name = line.slice(0, line.indexOf(' '));
      expect(line).toBe(`${name} 1234:2345 ${isFolder(name) ? folder : file}`);
    }
  });
});

describe('what cannot be read', () => {
  test.skipIf(!isRoot)('is recorded, ends with exit code 3, and keeps the former rows', async () => {
    const data = at('denied');
    mkdirSync(data);
    chmodSync(place.root, 0o755);
    chmodSync(data, 0o777);
    await scan(data, 0);
    const before = listByCatalog(join(data, 'smart_catalog.db'));
    chmodSync(join(place.tree, 'b'), 0o000);
    try {
      const report = asNobody(data);
      expect(report).toMatchObject({ outcome: 'complete-with-problems', problems: 1 });
      expect(listByCatalog(join(data, 'smart_catalog.db'))).toEqual(before);
      const diagnosis = await runJson(['diagnose', '--offline', '--data-dir', data], 0);
      expect(diagnosis['verdict']).toBe('complete-with-problems');
      expect((diagnosis['findings'] as { code: string }[]).map((finding) => finding.code)).toContain(
        'entries.unreadable',
      );
    } finally {
      chmodSync(join(place.tree, 'b'), 0o755);
    }
  });

  test('an empty mount ends with exit code 3 and scan.empty', async () => {
    mkdirSync(at('empty'));
    const data = at('empty-data');
    const report = await runJson(
      ['scan', at('empty'), 'Empty', '--data-dir', data, '--engine', 'process'],
      3,
    );
    expect(report).toMatchObject({
      outcome: 'complete-with-problems',
      files: 0,
      directories: 1,
      problems: 0,
    });
    const diagnosis = await runJson(['diagnose', '--offline', '--data-dir', data], 0);
    expect(diagnosis['verdict']).toBe('complete-with-problems');
    expect((diagnosis['findings'] as { code: string }[])[0]?.code).toBe('scan.empty');
    const status = await run(['status', '--data-dir', data]);
    expect(status.stdout).toContain('without any file');
    expect(status.stdout).not.toContain('could not be read');
  });
});

/** The same scan by somebody who may not read everything. */
function asNobody(data: string): Record<string, unknown> {
  spawnSync('chown', ['-R', '65534:65534', data]);
  const args = [ENTRY, 'scan', place.tree, 'Mount', '--data-dir', data, '--engine', 'process', '--json'];
  const env = { PATH: process.env['PATH'] ?? '', HOME: data };
  const done = spawnSync(process.execPath, args, { uid: 65534, gid: 65534, encoding: 'utf8', env });
  expect(done.status, done.stderr).toBe(3);
  return JSON.parse(done.stdout) as Record<string, unknown>;
}
