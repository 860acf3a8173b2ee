// Checksums: 300,000 tiny files sampled beside find and b2sum, and one file of 1 GiB in full beside b3sum, all from the
// page cache. CPU seconds stand beside the time that passed: they say the same on a busy machine.
import { existsSync, mkdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compare, has, ourScan, PROJECT, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const GIB = 1024 ** 3;
const RUNS = 3;

if (has('b2sum')) {
  const tree = process.argv[2] ?? join(TREES, 'tree');
  if (process.argv[2] === undefined) makeTree(tree);
  compare(
    '300,000 tiny files, read and digested',
    [
      ourScan(tree, '--checksum sampled'),
      { name: 'find | xargs b2sum', command: `find ${tree} -type f -print0 | xargs -0 -P2 b2sum` },
    ],
    RUNS,
  );
}

if (has('b3sum')) {
  const folder = join(TREES, 'big-file');
  const file = join(folder, 'one.bin');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(file)) {
    const made = spawnSync('sh', [
      '-c',
      `head -c ${GIB} /dev/urandom > ${file}.part && mv ${file}.part ${file}`,
    ]);
    if (made.status !== 0) throw new Error(`${file} cannot be made: ${made.stderr}`);
  }
  const digester = join(PROJECT, 'dist/src/hash/digest-sync.js');
  const program = `import { SyncDigester } from "${digester}"; new SyncDigester("full", () => {}).digest("${file}", ${GIB}n)`;
  const b3sum = { name: 'b3sum, one thread', command: `b3sum --num-threads 1 ${file}` };
  const alone = { name: 'our digest alone', command: `node --input-type=module -e '${program}'` };
  compare('one file of 1 GiB, every byte: the digest', [alone, b3sum], RUNS);
  compare('one file of 1 GiB, every byte: the whole scan', [ourScan(folder, '--checksum full'), b3sum], RUNS);
}
