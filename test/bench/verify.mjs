// `verify` against `sha256sum` over the same files, in alternating runs. The journal is made here: eight workers'
// segments of rows as a scan writes them. At most 1.0x is the aim.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalWriter } from '../../dist/journal/writer.js';

const ROUNDS = 7;
const WORKERS = 8;
const MIB_EACH = Number(process.env.BENCH_MIB ?? 256) / WORKERS;
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const MAIN = join(import.meta.dirname, '../../dist/cli/main.js');
const BATCH_BYTES = 60 * 1024;

const dataDir = mkdtempSync(join(tmpdir(), 'nas-bench-verify-'));
const journalDir = join(dataDir, 'journal');

async function write(writer, fill) {
  const options = { journalDir, scan: SCAN, writer, hostname: 'bench', epoch: 1, previous: null };
  const journal = await JournalWriter.open({ ...options, coordinator: null });
  await fill(journal);
  await journal.close();
}

async function makeJournal() {
  await write('coordinator', (journal) => journal.append('scan.paused', { reason: 'bench' }));
  for (let worker = 1; worker <= WORKERS; worker += 1) {
    await write(`worker-${String(worker).padStart(4, '0')}`, async (journal) => {
      let written = 0;
      for (let batch = 0; written < MIB_EACH * 1024 * 1024; batch += 1) {
        const rows = [];
        for (let size = 0; size < BATCH_BYTES; size += 60)
          rows.push(
            `["IMG_${batch}_${rows.length}.JPG",${5_000_000 + rows.length},"17000000000000${rows.length}"]`,
          );
        const json = `{"chunk":1,"attempt":1,"columns":["name","size","mtimeNs"],"directories":[{"path":"/mnt/user/Photos/${batch}","part":1,"last":true,"rows":[${rows.join()}],"problems":[],"entries":${rows.length},"subdirectories":0,"others":0,"excluded":0}]}`;
        const appended = journal.appendJson('files.batch', 1, Buffer.from(json));
        if (batch % 16 === 15) await appended;
        written += json.length;
      }
    });
  }
}

function run(command, args) {
  const start = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return performance.now() - start;
}

try {
  await makeJournal();
  const files = readdirSync(journalDir, { recursive: true })
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => join(journalDir, name));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(`verify: ${cpus().length} x ${cpus()[0].model}, Node ${process.version}`);
  console.log(`${files.length} segments, ${(bytes / 1e6).toFixed(0)} MB, warm page cache`);
  console.log(`sides: sha256sum FILES… | node ${MAIN} verify --json --data-dir …`);
  const sums = [];
  const verifies = [];
  run('sha256sum', files);
  for (let round = 0; round < ROUNDS; round += 1) {
    sums.push(run('sha256sum', files));
    verifies.push(run(process.execPath, [MAIN, 'verify', '--json', '--data-dir', dataDir]));
  }
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const ratio = median(verifies.map((ms, i) => ms / sums[i]));
  const speed = (values) => `${(bytes / 1e3 / median(values)).toFixed(0)} MB/s`;
  console.log(
    `sha256sum ${speed(sums)} | verify ${speed(verifies)} | ratio ${ratio.toFixed(2)}x of sha256sum's time`,
  );
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
