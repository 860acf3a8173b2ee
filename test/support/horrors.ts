import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const LONG_NAME = 'n'.repeat(255);
/** Levels of 255 bytes: together far beyond the 4096 bytes that the kernel takes as one path. */
const LONG_LEVELS = 20;
const SHORT_LEVELS = 1000;
/** More rows than one record of the journal holds. */
const MANY_FILES = 2500;
const SPARSE_BYTES = 6 * 1024 ** 3;

/** Names that break programs, each as the bytes that the disk holds. */
export const HORRIBLE_NAMES: readonly Buffer[] = [
  ...[
    'new\nline',
    'carriage\rreturn',
    'tab\there',
    'quote"and\'quote',
    'back\\slash',
    '\\x41',
    '$(touch x) `y` ${z}',
    '-rf',
    ' leading and trailing ',
    'semi;colon&amp|pipe',
    '*?[a-z]',
    '.hidden',
    'name.',
    '...',
    'a'.repeat(255),
    'emoji 🎞 and 👩‍👩‍👧',
    'e\u0301 decomposed',
    '\u00e9 composed',
    '\u202eright to left',
    '\ufffd replacement',
    '\u001b[31mred\u001b[0m',
    '\u0001\u007f\u0080',
    '日本語'.repeat(28),
  ].map((name) => Buffer.from(name, 'utf8')),
  ...[
    'caf\xe9',
    '\xff\xfe',
    '\xc0\xaf overlong',
    '\xed\xa0\x80 surrogate',
    '\xf8\x88 five',
    'half \xe2\x82',
  ].map((name) => Buffer.from(name, 'latin1')),
];

function at(directory: Buffer | string, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), Buffer.from(name)]);
}

/** Makes `levels` directories in each other, each with one file, also where the path becomes too long for the kernel. */
function nest(root: string, name: string, levels: number): void {
  let parent = openSync(root, 'r');
  for (let level = 0; level < levels; level += 1) {
    const here = `/proc/self/fd/${parent}`;
    mkdirSync(`${here}/${name}`);
    writeFileSync(`${here}/${name}/level ${level}`, String(level));
    const next = openSync(`${here}/${name}`, 'r');
    closeSync(parent);
    parent = next;
  }
  closeSync(parent);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The tree of horrors: everything that a disk can hold and a cataloger can stumble over. `root` must not exist. */
export function plantHorrors(root: string): void {
  mkdirSync(root, { recursive: true });
  const names = join(root, 'names');
  mkdirSync(names);
  for (const name of HORRIBLE_NAMES) writeFileSync(at(names, name), name);
  const folders = join(root, 'folders');
  mkdirSync(folders);
  for (const name of HORRIBLE_NAMES) {
    mkdirSync(at(folders, name));
    for (const inner of HORRIBLE_NAMES.slice(-4)) writeFileSync(at(at(folders, name), inner), '');
    writeFileSync(at(at(folders, name), 'plain'), 'x');
  }
  mkdirSync(join(root, 'empty'));
  mkdirSync(join(root, '.dot/.dot'), { recursive: true });
  writeFileSync(join(root, '.dot/.dot/.file'), '');
  plantLinks(root);
  plantTimes(root);
  const many = join(root, 'many');
  mkdirSync(many);
  for (let index = 0; index < MANY_FILES; index += 1) writeFileSync(join(many, `file number ${index}`), '');
  linkSync(join(many, `file number ${MANY_FILES - 1}`), join(root, 'links/another name'));
  writeFileSync(join(root, 'sparse'), 'begins');
  truncateSync(join(root, 'sparse'), SPARSE_BYTES);
  nest(root, LONG_NAME, LONG_LEVELS);
  nest(root, 'd', SHORT_LEVELS);
}

function plantLinks(root: string): void {
  const links = join(root, 'links');
  mkdirSync(join(links, 'real'), { recursive: true });
  writeFileSync(join(links, 'real/file'), 'content');
  linkSync(join(links, 'real/file'), join(links, 'hard'));
  symlinkSync('real/file', join(links, 'to a file'));
  symlinkSync('real', join(links, 'to a directory'));
  symlinkSync('..', join(links, 'real/up'));
  symlinkSync('nowhere', join(links, 'dangling'));
  symlinkSync('itself', join(links, 'itself'));
  execFileSync('mkfifo', [join(links, 'pipe')]);
  if (isRoot()) execFileSync('mknod', [join(links, 'device'), 'c', '1', '3']);
}

function plantTimes(root: string): void {
  const times = join(root, 'times');
  mkdirSync(times);
  for (const time of [
    '@0',
    '@-1.000000001',
    '@1700000000.123456789',
    '@1700000000.999999999',
    '@9999999999.5',
  ]) {
    execFileSync('touch', ['-d', time, join(times, `time ${time}`)]);
  }
  lutimesSync(join(root, 'links/dangling'), 1, 1);
}
