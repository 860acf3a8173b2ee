// The memory of every process of a scan: trees of 200,000 and of 1,000,000 files, and single directories of as many.
// Peak of resident memory (VmHWM) as the kernel counts it, looked at until each process ends.
//   node test/bench/memory.mjs [TREE...]     these trees instead
import { spawn } from 'node:child_process';
import { clearInterval, setInterval } from 'node:timers';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { ENTRY, scanWords, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const LOOK_MS = 20;
const LIMIT_MIB = 200;
const dataDir = join(TREES, 'data');

function statusOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return { parent: field('PPid'), peakKib: field('VmHWM'), command };
  } catch {
    return null; // it has ended
  }
}

function roleOf({ command }) {
  const program = command.find((word) => word.endsWith('.js'));
  if (program === undefined) return null; // not started yet, or a zombie
  if (program !== ENTRY) return basename(program);
  return command.includes('worker') ? 'worker' : 'coordinator';
}

/** Peak in MiB by role: of several processes in one role the highest. */
async function peaksOf(tree, options) {
  rmSync(dataDir, { recursive: true, force: true });
  const args = scanWords(tree, dataDir, options);
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ours = new Set([child.pid]);
  const peaks = new Map();
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!(pid > 0)) continue;
      const status = statusOf(pid);
      if (status === null || !(ours.has(pid) || ours.has(status.parent))) continue;
      ours.add(pid);
      const role = roleOf(status);
      if (role === null) continue;
      peaks.set(role, Math.max(peaks.get(role) ?? 0, status.peakKib / 1024));
    }
  }, LOOK_MS);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(timer);
  return { peaks, code, seconds: (performance.now() - startedAtMs) / 1000 };
}

/** One directory with so many empty files. */
function makeDirectory(path, files) {
  if (existsSync(`${path}.made`)) return path;
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (let index = 0; index < files; index += 1) closeSync(openSync(join(path, `file-${index}.dat`), 'w'));
  writeFileSync(`${path}.made`, '');
  return path;
}

function tree(files) {
  const path = join(TREES, `memory-tree-${files}`);
  makeTree(path, { files, directories: Math.round(files / 27), seed: 1 });
  return path;
}

const trees = process.argv.slice(2);
if (trees.length === 0) {
  for (const files of [200_000, 1_000_000]) trees.push(tree(files));
  for (const files of [200_000, 1_000_000])
    trees.push(makeDirectory(join(TREES, `memory-directory-${files}`), files));
}
for (const path of trees) {
  for (const options of [['--checksum', 'none']]) {
    const { peaks, code, seconds } = await peaksOf(path, options);
    const worst = Math.max(...peaks.values());
    console.log(
      `\n${path} ${options.join(' ')}: exit ${code}, ${seconds.toFixed(1)} s, worst ${worst.toFixed(0)} MiB${worst > LIMIT_MIB ? ` (over ${LIMIT_MIB})` : ''}`,
    );
    for (const [role, mib] of [...peaks].sort()) console.log(`  ${role.padEnd(20)} ${mib.toFixed(0)} MiB`);
  }
}
rmSync(dataDir, { recursive: true, force: true });
