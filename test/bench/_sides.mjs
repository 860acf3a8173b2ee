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

/** Seconds that a shell command takes. @throws Error when its exit code is none of those allowed */
export function secondsOf(command, { codes = [0] } = {}) {
  const startedAtMs = performance.now();
  const done = spawnSync('bash', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
  const seconds = (performance.now() - startedAtMs) / 1000;
  if (!codes.includes(done.status)) throw new Error(`${command}: exit ${done.status}\n${done.stderr}`);
  return seconds;
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
  const seconds = new Map(sides.map((side) => [side, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const side of sides) {
      side.before?.();
      seconds.get(side).push(secondsOf(side.command, side));
    }
  }
  const [ours] = sides;
  const oursMedian = median(seconds.get(ours));
  for (const side of sides) {
    const own = median(seconds.get(side));
    const all = seconds.get(side).map((value) => value.toFixed(2));
    const ratio = side === ours ? '' : `   ours takes ${(oursMedian / own).toFixed(2)}x of it`;
    console.log(`  ${side.name}: ${own.toFixed(2)} s (${all.join(', ')})${ratio}`);
    console.log(`    $ ${side.command.replaceAll('\n', ' ')}`);
  }
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
