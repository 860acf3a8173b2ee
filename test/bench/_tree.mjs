import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const EXTENSIONS = ['.txt', '.JPG', '.png', '.mp4', '.flac', '.pdf', '.tar.gz', '.iso', '.js', ''];
const SUBDIRECTORIES_PER_DIRECTORY = 6;

/** A small deterministic generator of numbers in [0, 1) (a linear congruence modulo 2^32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The directories of the tree, each relative to its root, breadth first; [''] is the root itself. */
export function treeDirectories(count) {
  const directories = [''];
  for (let parent = 0; directories.length < count; parent += 1) {
    for (let child = 0; child < SUBDIRECTORIES_PER_DIRECTORY && directories.length < count; child += 1) {
      directories.push(join(directories[parent] ?? '', `dir-${child}-${directories.length.toString(36)}`));
    }
  }
  return directories;
}

/**
 * Makes a tree of `files` files in `directories` directories below `root`, mostly tiny files, the same each time.
 * A tree that is there already (its marker stands beside it) is left as it is. Returns the bytes of all files.
 */
export function makeTree(root, { files = 300_000, directories = 11_245, seed = 1, bytesMax = 2048 } = {}) {
  const marker = `${root}.made-${files}-${directories}-${seed}-${bytesMax}`;
  if (existsSync(marker) && existsSync(root)) return;
  rmSync(root, { recursive: true, force: true });
  const random = randomFrom(seed);
  const content = Buffer.alloc(bytesMax, 'nas-scanner ');
  const paths = treeDirectories(directories);
  for (const path of paths) mkdirSync(join(root, path), { recursive: true });
  for (let index = 0; index < files; index += 1) {
    const directory = paths[Math.floor(random() * paths.length)] ?? '';
    const name = `file ${index}${EXTENSIONS[Math.floor(random() * EXTENSIONS.length)] ?? ''}`;
    const file = openSync(join(root, directory, name), 'w');
    writeSync(file, content, 0, Math.floor(random() ** 3 * bytesMax));
    closeSync(file);
  }
  writeFileSync(marker, '');
}

if (process.argv[1] === import.meta.filename) {
  const [root, files = '300000', directories = '11245'] = process.argv.slice(2);
  if (root === undefined) {
    console.error('usage: node test/bench/_tree.mjs ROOT [FILES] [DIRECTORIES]');
    process.exit(2);
  }
  makeTree(root, { files: Number(files), directories: Number(directories) });
}
