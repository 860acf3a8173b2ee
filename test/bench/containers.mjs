// What containers cost: one scan in 16 chunks of 5,000 files by containers and by processes, and where each second of a
// worker goes, by the journal's own events.
//   DOCKER_HOST=… node test/bench/containers.mjs     needs an engine with the image nas-scanner-hp:latest
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compare, ENTRY, TREES } from './_sides.mjs';
import { makeTree } from './_tree.mjs';

const CHUNKS = 16;
const FILES_EACH = 5000;
/** A little more than one top-level directory holds, and less than two. */
const CHUNK_GB = 0.0035;
const IMAGE = 'nas-scanner-hp:latest';
const AT_ONCE = 4;

const tree = join(TREES, 'tree-chunks');
for (let top = 0; top < CHUNKS; top += 1) {
  makeTree(join(tree, `top-${top}`), { files: FILES_EACH, directories: 190, seed: top + 1 });
}
spawnSync('find', [tree, '-printf', '']); // the page cache is warm for both

function side(engine) {
  const dataDir = join(TREES, `data-${engine}`);
  const options = `--engine ${engine} --max-containers ${AT_ONCE} --chunk-size ${CHUNK_GB} --checksum none`;
  return {
    name: engine,
    dataDir,
    command: `node ${ENTRY} scan ${tree} Bench --data-dir ${dataDir} --quiet ${options}`,
    before: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** Every record of the one scan in a data directory. */
function recordsOf(dataDir) {
  const journal = join(dataDir, 'journal');
  const files = readdirSync(journal, { recursive: true }).filter((name) => name.endsWith('.ndjson'));
  return files.flatMap((name) =>
    readFileSync(join(journal, name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  );
}

const atMs = (record) => Date.parse(record?.at ?? '');
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const shown = (ms) => `${(ms / 1000).toFixed(2)} s`;

/** Where the seconds of the scan and of its workers went. */
function tell({ name, dataDir }) {
  const records = recordsOf(dataDir);
  const of = (type) => records.filter((record) => record.type === type);
  const [started] = of('scan.started');
  const steps = {
    'preflight, with its probe': atMs(of('preflight.checked').at(-1)) - atMs(started),
    'until the first chunk is planned': atMs(of('chunk.planned')[0]) - atMs(of('preflight.checked').at(-1)),
    workers: atMs(of('chunk.completed').at(-1)) - atMs(of('chunk.planned')[0]),
    'last words': atMs(of('scan.completed')[0]) - atMs(of('chunk.completed').at(-1)),
  };
  console.log(`\n${name}: ${of('chunk.completed').length} chunks`);
  for (const [step, ms] of Object.entries(steps)) console.log(`  ${step}: ${shown(ms)}`);
  const workers = of('chunk.completed').map(({ data: { chunk, attempt } }) => {
    const own = (type) =>
      records.find(
        (each) => each.type === type && each.data.chunk === chunk && each.data.attempt === attempt,
      );
    const event = (what) => own(`container.${what}`) ?? own(`process.${what}`);
    const id = event('started')?.data.id;
    const removed = records.find((each) => each.type.endsWith('.removed') && each.data.id === id);
    const batches = records.filter((each) => each.type === 'files.batch' && each.data.chunk === chunk);
    const times = [
      event('requested'),
      event('started'),
      batches[0],
      own('chunk.scanned'),
      event('exited'),
      removed,
    ];
    return times.map(atMs);
  });
  const spans = [
    'requested to started',
    'started to first record',
    'first record to last',
    'last record to exit seen',
    'exit seen to removed',
  ];
  console.log('  one worker (median, longest, sum of all):');
  spans.forEach((span, index) => {
    const all = workers.map((times) => times[index + 1] - times[index]);
    const sum = all.reduce((a, b) => a + b, 0);
    console.log(`    ${span}: ${shown(median(all))}, ${shown(Math.max(...all))}, ${shown(sum)}`);
  });
  const starts = workers.map((times) => times[2] - times[0]);
  console.log(`    request to first record: ${shown(median(starts))}, ${shown(Math.max(...starts))}`);
}

if (spawnSync('docker', ['image', 'inspect', IMAGE]).status !== 0) {
  console.log(
    `no engine with the image ${IMAGE} answers at ${process.env.DOCKER_HOST ?? 'the default socket'}: left out`,
  );
} else {
  const sides = [side('docker'), side('process')];
  compare(`${CHUNKS} chunks of ${FILES_EACH} files, ${AT_ONCE} workers at once, warm cache`, sides);
  for (const each of sides) tell(each);
}
