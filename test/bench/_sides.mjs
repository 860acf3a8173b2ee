import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const ENTRY = join(PROJECT, 'dist/cli/main.js');
/** Where trees are kept between runs. */
export const TREES = join(process.env.TMPDIR ?? tmpdir(), 'nas-scanner-bench');
mkdirSync(TREES, { recursive: true });

/** Whether a program is there; says so when it is not. */
export function has(program) {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!found) console.log(`${program}: not on this machine, left out`);
  return found;
}

/** Seconds that pass during a shell command, and seconds of CPU of all processes it waits for. @throws Error when its exit code is none of those allowed */
export function timesOf(command, { codes = [0] } = {}) {
  const startedAtMs = performance.now();
  const timed = `TIMEFORMAT='%U %S'; time { ${command.trim()}\n}`;
  const done = spawnSync('bash', ['-c', timed], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const seconds = (performance.now() - startedAtMs) / 1000;
  if (!codes.includes(done.status)) throw new Error(`${command}: exit ${done.status}\n${done.stderr}`);
  const [user, system] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { seconds, cpuSeconds: user + system };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * Runs the sides in turns and prints each one's command and median, and the ratio of ours (the first) to each other.
 * A side: {name, command, codes?, before?}; `before` is run untimed.
 */
export function compare(title, sides, runs = 3) {
  console.log(`\n${title}`);
  const times = new Map(sides.map((side) => [side, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const side of sides) {
      side.before?.();
      times.get(side).push(timesOf(side.command, side));
    }
  }
  const [ours] = sides;
  const medianOf = (side, key) => median(times.get(side).map((each) => each[key]));
  for (const side of sides) {
    const [own, cpu] = [medianOf(side, 'seconds'), medianOf(side, 'cpuSeconds')];
    const all = times.get(side).map(({ seconds }) => seconds.toFixed(2));
    const ratio =
      side === ours
        ? ''
        : `   ours takes ${(medianOf(ours, 'seconds') / own).toFixed(2)}x of it, ${(medianOf(ours, 'cpuSeconds') / cpu).toFixed(2)}x of its CPU`;
    console.log(`  ${side.name}: ${own.toFixed(2)} s (${all.join(', ')}), CPU ${cpu.toFixed(2)} s${ratio}`);
    console.log(`    $ ${side.command.replaceAll('\n', ' ')}`);
  }
}

/** Words behind `node` for a scan of a tree by worker processes that says nothing. */
export function scanWords(tree, dataDir, options = []) {
  return [ENTRY, 'scan', tree, 'Bench', '--data-dir', dataDir, '--engine', 'process', '--quiet', ...options];
}

/** Our scan of a tree by worker processes, into a fresh data directory. */
export function ourScan(tree, options = '') {
  const dataDir = join(TREES, 'data');
  return {
    name: `nas-scanner scan ${options}`.trim(),
    command: `node ${ENTRY} scan ${tree} Bench --data-dir ${dataDir} --engine process ${options}`,
    codes: [0, 3],
    before: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}
