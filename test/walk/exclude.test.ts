import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WalkError } from '../../src/walk/errors.js';
import { splitGlobs } from '../../src/walk/glob.js';
import { compileExcludes } from '../../src/walk/exclude.js';

const MOUNT = '/mnt/user/Archive';

function excludes(globs: readonly string[], path: string): boolean {
  const excluder = compileExcludes(MOUNT, globs, []);
  return excluder?.(path.slice(path.lastIndexOf('/') + 1), `${MOUNT}/${path}`) ?? false;
}

test.each([
  ['*.tmp', 'a.tmp', true],
  ['*.tmp', 'deep/er/a.tmp', true],
  ['*.tmp', 'a.tmp.txt', false],
  ['?.c', 'a/b.c', true],
  ['?.c', 'ab.c', false],
  ['[ab].c', 'b.c', true],
  ['[!ab].c', 'b.c', false],
  ['[!ab].c', 'x.c', true],
  ['[', '[', true],
  ['a]', 'a]', true],
  ['[[]x]', '[x]', true],
  ['[[]x]', 'x]', false],
  ['[]x]', ']', true],
  ['[^a]', 'b', true],
  ['[^a]', 'a', false],
  ['[!]', '[!]', true],
  ['[\\]]', ']', true],
  ['[a-c-]', '-', true],
  ['[a/b]', 'a', false],
  ['x[.-0]y', 'x/y', false],
  ['[[:upper:][:digit:]]', 'Ä', true],
  ['[[:upper:][:digit:]]', '5', true],
  ['[[:upper:][:digit:]]', 'a', false],
  ['\\*.tmp', '*.tmp', true],
  ['\\*.tmp', 'a.tmp', false],
  ['a.b', 'axb', false],
  ['node_modules', 'x/node_modules', true],
  ['node_modules/', 'x/node_modules', true],
  ['Photos/*.jpg', 'Photos/a.jpg', true],
  ['/Photos/*.jpg', 'Photos/a.jpg', true],
  ['Photos/*.jpg', 'Photos/2024/a.jpg', false],
  ['Photos/*.jpg', 'More/Photos/a.jpg', false],
  ['Photos/**/*.jpg', 'Photos/a.jpg', true],
  ['Photos/**/*.jpg', 'Photos/2024/x/a.jpg', true],
  ['**/cache', 'a/b/cache', true],
  ['cache/**', 'cache/a/b', true],
  ['cache/**', 'cache', false],
  ['a//b', 'a/b', true],
  ['x/a**', 'x/ab', true],
  ['x/a**', 'x/a/b', false],
  ['$(x)', '$(x)', true],
  ['*.{tmp,bak}', 'a/b.bak', true],
  ['*.{tmp,bak}', 'a/b.txt', false],
  ['{a,b/{c,d}}/x', 'b/d/x', true],
  ['{a,b/{c,d}}/x', 'b/e/x', false],
  ['x{,.old}', 'x', true],
  ['[{]a,b}', '{a,b}', true],
  ['{a}', '{a}', true],
  ['\\{a,b}', '{a,b}', true],
  ['{{a,b}}', '{b}', true],
  ['{a,{b,c}', '{a,c', true],
  ['{a,b', '{a,b', true],
  ['a,b}', 'a,b}', true],
  ['new\nline', 'new\nline', true],
  ['*', 'new\nline', true],
])('%j and %j: %s', (glob, path, expected) => {
  expect(excludes([glob], path)).toBe(expected);
});

test.each([
  ['[z-a]', 'the range z-a runs backwards'],
  ['x[ab-A]', 'the range b-A runs backwards'],
  ['[[:vowel:]]', 'there is no class [:vowel:]'],
  ['a\\', 'it ends in a backslash that quotes nothing'],
  ['{a,'.repeat(2000), 'it has more than 4096 characters'],
])('%j means nothing: %s', (glob, why) => {
  expect(() => excludes(['*.tmp', glob], 'a')).toThrow(new WalkError('bad-glob', why));
});

test('a list of globs is parted by its commas, but for those that belong to one', () => {
  expect(splitGlobs('*.tmp,{a,{b,c}},[,]x,\\,,{d,')).toEqual(['*.tmp', '{a,{b,c}}', '[,]x', '\\,', '{d', '']);
});

test('the droppings of NAS systems are left out by the globs that the README names, and by nothing else', () => {
  expect(compileExcludes(MOUNT, [], [])).toBeNull();
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const named = Array.from(readme.matchAll(/--exclude '([^']+)'/g), ([, glob = '']) => glob);
  for (const path of ['@eaDir', 'x/#recycle', '.Trash-1000', 'a/b/.DS_Store', 'a/Thumbs.db', '.Recycle.Bin'])
    expect(excludes(named, path)).toBe(true);
  expect(excludes(named, 'a/b/photo.jpg')).toBe(false);
});

test('folders that are never entered are matched by their path alone', () => {
  const excluder = compileExcludes(MOUNT, [], [`${MOUNT}/data`]);
  expect(excluder?.('data', `${MOUNT}/data`)).toBe(true);
  expect(excluder?.('data', `${MOUNT}/x/data`)).toBe(false);
});

// Each star may end anywhere: who tries one way after another tries more of them than there are seconds in a year.
test.each([
  [`${'*a'.repeat(25)}*b`, 'a'.repeat(250), 'ab'],
  [`${'{a,*}'.repeat(25)}b`, 'a'.repeat(250), 'ab'],
  [`${'**/a/'.repeat(25)}b`, 'a/'.repeat(250) + 'a', '/b'],
  [`x/${'**a'.repeat(25)}b`, `x/${'a'.repeat(250)}`, 'b'],
])('%j takes no time that grows with its stars', (glob, path, end) => {
  const began = performance.now();
  expect(excludes([glob], path)).toBe(false);
  expect(excludes([glob], path + end)).toBe(true);
  expect(performance.now() - began).toBeLessThan(2_000);
});
