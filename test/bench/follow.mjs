// How long after the last worker's exit the catalog of a full-speed scan holds all that the workers recorded: a tree
// of 300,000 files in 11,245 directories (or FILES, DIRECTORIES), warm, without checksums. A reader beside the scan
// looks at the catalog's checkpoints every 10 ms; what it has to reach is what the journal says afterwards.
//   RUNS=5 node test/bench/follow.mjs
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { scanWords, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const FILES = Number(process.env.FILES ?? 300_000);
const DIRECTORIES = Number(process.env.DIRECTORIES ?? 11_245);
const RUNS = Number(process.env.RUNS ?? 5);
const LIMIT_S = 0.5;
const LOOK_MS = 10;
const tree = join(TREES, `tree-${FILES}`);
const folder = mkdtempSync(join(TREES, 'follow-'));

/** What the catalog's checkpoints are while a scan runs: each change with its time. */
class Watch {
  changes = [];
  #database = null;
  #last = '';

  constructor(catalog) {
    this.catalog = catalog;
  }
  look() {
    try {
      this.#database ??= new Database(this.catalog, { readonly: true, fileMustExist: true, timeout: 0 });
      const rows = this.#database.prepare('SELECT writer, epoch, seq FROM checkpoints').all();
      const text = JSON.stringify(rows);
      if (text === this.#last) return;
      this.#last = text;
      this.changes.push({
        atMs: Date.now(),
        rows: new Map(rows.map(({ writer, epoch, seq }) => [writer, { epoch, seq }])),
      });
    } catch (error) {
      // Not made yet, or being made: the next look tells.
      if (!/unable to open|directory|no such table|locked|busy/.test(error.message)) throw error;
      this.#database?.close();
      this.#database = null;
    }
  }
  close() {
    this.#database?.close();
  }
}

/** The coordinator's records of the only scan there is. */
function told(dataDir) {
  const [scan] = readdirSync(join(dataDir, 'journal'));
  const coordinator = join(dataDir, 'journal', scan, 'coordinator');
  return readdirSync(coordinator)
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
    .flatMap((name) => readFileSync(join(coordinator, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line));
}

async function run(dataDir) {
  const args = scanWords(tree, dataDir, ['--checksum', 'none']);
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exit = { code: null };
  const ended = new Promise((resolve) => child.once('exit', (code) => resolve((exit.code = code))));
  const watch = new Watch(join(dataDir, 'smart_catalog.db'));
  while (exit.code === null && child.signalCode === null) {
    watch.look();
    await sleep(LOOK_MS);
  }
  await ended;
  const seconds = (performance.now() - began) / 1000;
  watch.look();
  watch.close();
  if (exit.code !== 0) throw new Error(`the scan ended with ${exit.code}`);
  const records = told(dataDir);
  const exits = records.filter(({ type, data }) => type === 'process.exited' && data.chunk > 0);
  const lastExitMs = Math.max(...exits.map(({ at }) => Date.parse(at)));
  const ends = new Map();
  for (const { type, data } of records) if (type === 'writer.progressed') ends.set(data.writer, data);
  const holds = ({ rows }) =>
    [...ends].every(([writer, end]) => {
      const has = rows.get(writer);
      return has !== undefined && has.epoch === end.epoch && has.seq >= end.seq;
    });
  const complete = watch.changes.find(holds);
  if (complete === undefined) throw new Error('the catalog never held all that the workers recorded');
  const database = new Database(join(dataDir, 'smart_catalog.db'), { readonly: true });
  const files = database.prepare('SELECT count(*) FROM files').pluck().get();
  database.close();
  if (files !== FILES) throw new Error(`the catalog has ${files} files`);
  return { behindS: (complete.atMs - lastExitMs) / 1000, seconds, workers: ends.size };
}

try {
  makeTree(tree, { files: FILES, directories: DIRECTORIES });
  console.log(
    `scan ${tree} Bench --engine process --checksum none: ${FILES} files in ${DIRECTORIES} directories`,
  );
  const behind = [];
  for (let i = 0; i < RUNS; i += 1) {
    const dataDir = join(folder, String(i));
    const { behindS, seconds, workers } = await run(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
    behind.push(behindS);
    console.log(
      `run ${i + 1}: ${seconds.toFixed(2)} s, ${workers} workers, catalog complete ${behindS.toFixed(3)} s after the last exit`,
    );
  }
  const worst = Math.max(...behind);
  console.log(`worst of ${RUNS}: ${worst.toFixed(3)} s (at most ${LIMIT_S} s)`);
  if (worst > LIMIT_S) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
