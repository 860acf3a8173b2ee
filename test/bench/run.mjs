// Runs every benchmark beside it (or those named on the command line), one after another, under a header that
// names the machine. Each is a script of its own: prints the command of each side and the ratio of alternating runs.
//   npm run bench               all of them
//   npm run bench -- append     test/bench/append.mjs alone
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
// A file that is no benchmark but serves several begins with `_`.
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs') && name !== 'run.mjs' && !name.startsWith('_'))
  .map((name) => basename(name, '.mjs'))
  .sort();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')} (there are: ${all.join(', ')})`);
  process.exit(2);
}

/** The file system type that holds the benchmarks' temporary trees. */
function temporaryFileSystem() {
  const found = spawnSync('stat', ['-f', '-c', '%T', process.env.TMPDIR ?? '/tmp'], { encoding: 'utf8' });
  return found.stdout?.trim() || 'unknown';
}

function processor() {
  const model = cpus()[0]?.model.trim();
  if (model) return model;
  return /model name\s*:\s*(.+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? arch();
}

const gib = (totalmem() / 1024 ** 3).toFixed(1);
console.log(`machine: ${availableParallelism()} x ${processor()}, ${gib} GiB, ${type()} ${release()}`);
console.log(`         Node ${process.version}, temporary files on ${temporaryFileSystem()}`);
const failed = [];
for (const name of asked.length > 0 ? asked : all) {
  console.log(`\n== ${name}`);
  const done = spawnSync(process.execPath, [join(folder, `${name}.mjs`)], { stdio: 'inherit' });
  if (done.status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`);
  process.exit(1);
}
