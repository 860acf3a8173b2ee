// Where the time of a scan goes: CPU seconds of every stage, as the kernel counts them for each thread.
//   node test/bench/stages.mjs [FILES] [scan options…]      default 300000 --checksum none
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { ourScan, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const LOOK_MS = 4;
const [filesText = '300000', ...options] = process.argv.slice(2);
const files = Number(filesText);
const tree = join(TREES, `tree-${files}`);
makeTree(tree, { files, directories: Math.ceil(files / 26.68) });
spawnSync('find', [tree, '-printf', '']); // the page cache is warm

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function threadsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}

/** Newest count of every thread ever seen: process -> thread -> nanoseconds on a CPU. */
const counts = new Map();
const roles = new Map();

function roleOf(pid, top) {
  if (pid === top) return 'coordinator';
  const words = read(`/proc/${pid}/cmdline`);
  if (words.includes('\0worker\0')) return 'worker';
  return words.includes('\0-e\0') ? 'look at the mount' : null;
}

/** Processes in the scan's tree; workers have sessions of their own, so parents are asked. */
function look(top) {
  const children = new Set([top]);
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    const parent = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
    if (children.has(parent)) children.add(pid);
  }
  for (const pid of children) {
    const role = roleOf(pid, top);
    if (role === null) continue;
    roles.set(pid, role);
    const threads = counts.get(pid) ?? new Map();
    counts.set(pid, threads);
    for (const thread of threadsOf(pid)) {
      const ns = Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0);
      if (ns > 0) threads.set(Number(thread), ns);
    }
  }
}

const STAGES = {
  coordinator: ['plan, supervise, read back, log', 'catalog (thread): read back, SQLite'],
  worker: ['start, journal', 'list (thread): readdir, lstat, digest, encode'],
  'look at the mount': ['a process of its own', ''],
};

/** Of a process: its first thread, the busiest other one (ours), and all the rest (V8's and libuv's own). */
function split(pid, threads) {
  const others = [...threads].filter(([thread]) => thread !== pid).map(([, ns]) => ns);
  const busiest = others.length === 0 ? 0 : Math.max(...others);
  const rest = others.reduce((sum, ns) => sum + ns, 0) - busiest;
  return [threads.get(pid) ?? 0, busiest, rest];
}

const scan = ourScan(tree, options.length === 0 ? '--checksum none' : options.join(' '));
scan.before();
const startedAtMs = performance.now();
const child = spawn('bash', ['-c', `exec ${scan.command} --quiet`], { stdio: 'ignore' });
const timer = setInterval(() => look(child.pid), LOOK_MS);
child.on('exit', (code) => {
  clearInterval(timer);
  const wall = (performance.now() - startedAtMs) / 1000;
  const sums = new Map();
  for (const [pid, threads] of counts) {
    const role = roles.get(pid);
    const [first, busiest, rest] = split(pid, threads);
    const add = (stage, ns) => sums.set(`${role}: ${stage}`, (sums.get(`${role}: ${stage}`) ?? 0) + ns);
    const [main, thread] = STAGES[role];
    add(main, first);
    if (thread !== '') add(thread, busiest);
    if (thread === '') add(main, busiest + rest);
    else add("V8's compiler and collector, libuv", rest);
  }
  const total = [...sums.values()].reduce((sum, ns) => sum + ns, 0);
  console.log(`$ ${scan.command}\nexit ${code}, ${wall.toFixed(2)} s wall while being watched\n`);
  console.log('CPU seconds, and share');
  for (const [stage, ns] of [...sums].sort((a, b) => b[1] - a[1])) {
    const share = ((100 * ns) / total).toFixed(0);
    console.log(`  ${(ns / 1e9).toFixed(2)}  ${share.padStart(3)} %  ${stage}`);
  }
  console.log(`  ${(total / 1e9).toFixed(2)}  100 %  all`);
});
