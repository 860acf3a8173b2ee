// A FUSE mount that waits 2 ms with every operation: our whole scan beside find and gdu. Its daemon answers ten at once
// (libfuse's own limit), so that nobody can be more than ten times as fast as find.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare, has, ourScan, PROJECT, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const FILES = 7905;
const DIRECTORIES = 750;
const source = join(TREES, 'latency-source');
const point = join(TREES, 'latency-mount');
const program = join(TREES, 'latencyfs');

const canBuild = process.getuid?.() === 0 && existsSync('/dev/fuse') && has('gcc') && has('pkg-config');
const built =
  canBuild &&
  spawnSync('sh', [
    '-c',
    `gcc -O2 ${join(PROJECT, 'test/support/latencyfs.c')} -o ${program} $(pkg-config --cflags --libs fuse3)`,
  ]).status === 0;
if (!built) {
  console.log('no FUSE mount can be made here (root, gcc, pkg-config and libfuse3-dev are needed)');
  process.exit(0);
}
makeTree(source, { files: FILES, directories: DIRECTORIES, seed: 3 });
mkdirSync(point, { recursive: true });

let daemon = null;
/** A fresh mount for each run: nothing of it is cached. */
function remount() {
  unmount();
  daemon = spawn(program, [point, '-f', '-o', 'ro,allow_other,entry_timeout=30,attr_timeout=30'], {
    stdio: 'ignore',
    env: { ...process.env, LATENCY_SOURCE: source, LATENCY_MS: '2' },
  });
  while (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `)) spawnSync('sleep', ['0.05']);
}

function unmount() {
  if (daemon === null) return;
  spawnSync('umount', ['-l', point]);
  daemon.kill('SIGKILL');
  daemon = null;
}

try {
  const scan = ourScan(point, '--checksum none');
  const sides = [
    {
      ...scan,
      before: () => {
        scan.before();
        remount();
      },
    },
    { name: 'find', command: `find ${point} -printf '%p %s %T@\\n'`, before: remount },
  ];
  if (has('gdu')) sides.push({ name: 'gdu', command: `gdu -n -p ${point}`, before: remount });
  compare(`${FILES} files on a FUSE mount that waits 2 ms`, sides, 2);
} finally {
  unmount();
}
