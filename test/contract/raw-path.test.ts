import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ENTRY, Place, runJson } from '../support/cli.js';

const LATIN1_NAME = Buffer.from('caf\xe9', 'latin1');

function newPlace(): { place: Place; raw: Buffer } {
  const place = new Place();
  onTestFinished(() => {
    place.remove();
  });
  mkdirSync(place.tree);
  const raw = Buffer.concat([Buffer.from(`${place.tree}/`), LATIN1_NAME]);
  mkdirSync(raw);
  writeFileSync(Buffer.concat([raw, Buffer.from('/file')]), 'content');
  return { place, raw };
}

test.each([
  ['as PATH', `"$0" "$1" COMMAND "$2"/"$(printf 'caf\\351')"`],
  ['as the working directory', `cd "$2"/"$(printf 'caf\\351')" && "$0" "$1" COMMAND .`],
])('a path that is not valid UTF-8, %s: wrong usage, and what to do instead', (_where, script) => {
  const { place } = newPlace();
  for (const command of ['preflight', 'scan']) {
    const line = `${script.replace('COMMAND', command)} ${command === 'scan' ? 'Name' : ''} --data-dir "$3" --engine process`;
    const args = ['-c', line, process.execPath, ENTRY, place.tree, place.dataDir];
    const { status, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('is not valid UTF-8: it cannot be given on the command line');
    expect(stderr).toContain('scan the folder above it');
    expect(existsSync(place.dataDir)).toBe(false);
  }
});

test('the folder above it is scanned with it', async () => {
  const { place } = newPlace();
  expect(await runJson(place.scanArgs(), 0)).toMatchObject({ outcome: 'complete', files: 1 });
});

test.skipIf(process.getuid?.() !== 0)('mounted under a plain name it is scanned', async () => {
  const { place, raw } = newPlace();
  const plain = join(place.root, 'plain');
  mkdirSync(plain);
  // Through the shell: no argument of Node can carry the name.
  const mounted = spawnSync('sh', ['-c', `mount --bind "$0"/"$(printf 'caf\\351')" "$1"`, place.tree, plain]);
  onTestFinished(() => {
    spawnSync('umount', [plain]);
  });
  expect(mounted.status).toBe(0);
  expect(existsSync(raw)).toBe(true);
  const args = ['scan', plain, 'Plain', '--data-dir', place.dataDir, '--engine', 'process'];
  expect(await runJson(args, 0)).toMatchObject({ outcome: 'complete', files: 1 });
});

test('a name that holds the replacement character by right is scanned', async () => {
  const { place } = newPlace();
  const folder = join(place.tree, '\ufffd');
  mkdirSync(folder);
  const args = ['scan', folder, 'Odd', '--data-dir', place.dataDir, '--engine', 'process'];
  expect(await runJson(args, 3)).toMatchObject({ files: 0 });
});
