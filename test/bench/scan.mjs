// A whole scan (journal durable, catalog complete) beside what a person would type instead.
//   node test/bench/scan.mjs [FILES]      default 300000; 1000000 for the figures on memory
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { compare, has, ourScan, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const FULL_BYTES = 1024 ** 3;
const files = Number(process.argv[2] ?? 300_000);
const tree = join(TREES, `tree-${files}`);
makeTree(tree, { files, directories: Math.ceil(files / 26.68) });
spawnSync('find', [tree, '-printf', '']); // the page cache is warm for all

/** The same eight columns through a fifo into SQLite; `.import` reads tabs. */
function findIntoSqlite() {
  const database = join(TREES, 'find.db');
  const fifo = join(TREES, 'find.fifo');
  const columns =
    'path TEXT PRIMARY KEY, size INTEGER, mtime REAL, checksum TEXT, mount_point TEXT, file_type TEXT, extension TEXT, scan_time REAL';
  return {
    name: 'find -printf into sqlite3 .import',
    command: `mkfifo ${fifo}; find ${tree} -type f -printf '%p\\t%s\\t%T@\\t\\tBench\\tother\\t\\t0\\n' > ${fifo} &
sqlite3 ${database} "CREATE TABLE files(${columns}) WITHOUT ROWID" '.mode tabs' '.import ${fifo} files'; wait`,
    before: () => {
      for (const path of [database, fifo]) rmSync(path, { force: true });
    },
  };
}

if (has('sqlite3')) {
  compare(`${files} files, warm cache, no checksums`, [ourScan(tree, '--checksum none'), findIntoSqlite()]);
}
if (has('b2sum')) {
  const b2sum = {
    name: 'find | xargs b2sum, no catalog',
    command: `find ${tree} -type f -print0 | xargs -0 -P2 b2sum > ${join(TREES, 'b2sum.txt')}`,
  };
  compare(`${files} files, warm cache, sampled checksums`, [ourScan(tree), b2sum]);
}

const big = join(TREES, 'big');
if (!existsSync(join(big, 'file'))) {
  spawnSync('mkdir', ['-p', big]);
  const file = openSync(join(big, 'file'), 'w');
  const block = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7919) >>> 3));
  for (let at = 0; at < FULL_BYTES; at += block.length) writeSync(file, block);
  closeSync(file);
}
if (has('b3sum')) {
  const b3sum = { name: 'b3sum, one thread', command: `b3sum --num-threads 1 ${join(big, 'file')}` };
  compare('one file of 1 GiB, full checksum', [ourScan(big, '--checksum full'), b3sum]);
}

/** CPU seconds and peak memory of every process of one scan, as the kernel counts them. */
function resources(options) {
  const ours = ourScan(tree, options);
  ours.before();
  const done = spawnSync('bash', ['-c', `TIMEFORMAT='%R %U %S'; time ${ours.command} --quiet`], {
    encoding: 'utf8',
  });
  const [, wall, user, system] = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(done.stderr) ?? [];
  console.log(`  ${options}: ${wall} s wall; CPU of all processes ${user} s user, ${system} s system`);
}
console.log('\nCPU time of one scan');
for (const options of ['--checksum none', '--checksum sampled']) resources(options);
