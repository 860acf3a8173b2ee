// `diagnose --offline` of a journal of 2,000,000 records (or RECORDS), each of one small directory: at most 10 s and
// 250 MB are the aim. The other side reads the same bytes and does nothing but hash them.
//   RECORDS=200000 PER_RECORD=10 node test/bench/diagnose.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJournal } from './_journal.mjs';

const RECORDS = Number(process.env.RECORDS ?? 2_000_000);
const PER_RECORD = Number(process.env.PER_RECORD ?? 1);
const RUNS = Number(process.env.RUNS ?? 3);
const main = join(import.meta.dirname, '../../dist/cli/main.js');
const dataDir = mkdtempSync(join(tmpdir(), 'nas-bench-diagnose-'));

/** Seconds, seconds of CPU and MB at most of a program; its standard output. */
function measure(command, args) {
  const started = performance.now();
  const done = spawnSync('/usr/bin/env', ['time', '-f', '%U %S %M', command, ...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status}: ${done.stderr}`);
  const [user, system, kilobytes] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, cpu: user + system, megabytes: kilobytes / 1000, stdout: done.stdout };
}

try {
  const made = writeJournal(join(dataDir, 'journal'), { records: RECORDS, perRecord: PER_RECORD });
  console.log(`diagnose: ${cpus().length} x ${cpus()[0].model}, Node ${process.version}`);
  console.log(
    `${made.records} records, ${made.directories} directories, ${made.files} files, ${(made.bytes / 1e6).toFixed(0)} MB`,
  );
  const args = [main, 'diagnose', '--offline', '--json', '--data-dir', dataDir];
  console.log(`sides: node ${args.join(' ')} | find … -exec sha256sum {} +`);
  for (let run = 0; run < RUNS; run += 1) {
    const hashed = measure('find', [join(dataDir, 'journal'), '-type', 'f', '-exec', 'sha256sum', '{}', '+']);
    const { stdout, ...ours } = measure(process.execPath, args);
    const { verdict, totals, findings } = JSON.parse(stdout);
    if (verdict !== 'complete' || totals.files !== made.files || findings.length > 0)
      throw new Error(`wrong: ${verdict}, ${totals.files} files, ${findings.length} findings`);
    console.log(
      `diagnose ${ours.seconds.toFixed(2)} s, ${ours.cpu.toFixed(2)} s CPU, ${ours.megabytes.toFixed(0)} MB` +
        ` | sha256sum ${hashed.seconds.toFixed(2)} s | ${(ours.seconds / hashed.seconds).toFixed(2)}x`,
    );
  }
} finally {
  if (process.env.KEEP === undefined) rmSync(dataDir, { recursive: true, force: true });
  else console.log(`kept: ${dataDir}`);
}
