// Replays a journal of 1,000,000 file rows (or ROWS) and imports the same rows, in the same order, with
// `sqlite3 .import` from TSV into the same table. Alternating runs; the best and the median of each side.
//   ROWS=10000000 RUNS=3 node test/bench/replay.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeLine } from '../../dist/journal/record.js';

const ROWS = Number(process.env.ROWS ?? 1_000_000);
const RUNS = Number(process.env.RUNS ?? 5);
const SEGMENT_BYTES = 64 * 1024 * 1024;
const RECORD_BYTES = 60_000;
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const AT = '2026-01-01T00:00:00.000Z';
const main = join(import.meta.dirname, '../../dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'nas-bench-replay-'));

/** One writer's segments, unsynced. */
class Writer {
  constructor(name) {
    Object.assign(this, {
      name,
      seq: 0,
      prev: '00000000',
      segment: 0,
      bytes: 0,
      fd: -1,
      total: 0,
      last: null,
    });
    mkdirSync(join(folder, 'journal', SCAN, name), { recursive: true });
  }
  append(type, data) {
    if (this.fd < 0) this.open();
    this.line(type, JSON.stringify(data));
    if (this.bytes > SEGMENT_BYTES) this.seal();
  }
  open() {
    this.segment += 1;
    const file = `0001-${String(this.segment).padStart(4, '0')}.ndjson`;
    this.fd = openSync(join(folder, 'journal', SCAN, this.name, file), 'w');
    Object.assign(this, { bytes: 0, records: 0, hash: createHash('sha256') });
    const opened = {
      format: 1,
      hostname: 'h',
      segment: this.segment,
      previous: this.last,
      coordinator: null,
    };
    this.line('segment.opened', JSON.stringify(opened));
  }
  line(type, json) {
    this.seq += 1;
    const id = `01KARA41W9${String(this.seq).padStart(16, '0')}`;
    const header = { seq: this.seq, durable: this.seq - 1, id, at: AT, scan: SCAN, writer: this.name };
    const { line, crc } = encodeLine({ ...header, epoch: 1, type, v: 1, prev: this.prev }, json);
    writeSync(this.fd, line);
    this.hash.update(line);
    Object.assign(this, { prev: crc, bytes: this.bytes + line.length, records: this.records + 1 });
    this.total += line.length;
    this.last = { epoch: 1, segment: this.segment, seq: this.seq, crc };
  }
  seal() {
    if (this.fd < 0) return;
    const sha256 = this.hash.copy().digest('hex');
    this.line('segment.sealed', JSON.stringify({ records: this.records, bytes: this.bytes, sha256 }));
    closeSync(this.fd);
    this.fd = -1;
  }
}

let state = 12345;
const random = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor((state / 0x80000000) * n);
};
const EXTENSIONS = [
  ['.jpg', 'photos'],
  ['.mkv', 'videos'],
  ['.txt', 'documents'],
  ['.pdf', 'documents'],
  ['.flac', 'music'],
  ['.zip', 'archives'],
  ['.iso', 'disk_images'],
  ['', 'other'],
];

function generate() {
  const coordinator = new Writer('coordinator');
  const host = { hostname: 'h', bootId: 'b', cpus: 2, memoryBytes: 1 };
  const started = {
    mountPath: '/mnt/user/Archive',
    mountName: 'Archive',
    engine: 'process',
    options: {},
    host,
  };
  coordinator.append('scan.started', started);
  const worker = new Writer('worker-0001');
  const tsv = openSync(join(folder, 'rows.tsv'), 'w');
  let directories = [];
  let recordBytes = 0;
  const flush = () => {
    const columns = ['name', 'size', 'mtimeNs'];
    worker.append('files.batch', { chunk: 1, attempt: 1, columns, directories });
    directories = [];
    recordBytes = 0;
  };
  for (let rows = 0, number = 0; rows < ROWS; number += 1) {
    const path = `/mnt/user/Archive/share${number % 7}/year-${Math.floor(number / 5000)}/album-${Math.floor(number / 70)}/set-${number}`;
    const count = Math.min(random(54), ROWS - rows);
    const files = [];
    const lines = [];
    for (let i = 0; i < count; i += 1) {
      const [extension, type] = EXTENSIONS[random(EXTENSIONS.length)];
      const name = `IMG_${random(1_000_000)}_${i}${extension}`;
      const size = random(10_000_000);
      const mtime = `17${String(random(100_000_000)).padStart(8, '0')}123456789`;
      files.push([name, size, mtime]);
      lines.push(
        `${path}/${name}\t${size}\t${Number(mtime) / 1e9}\t\tArchive\t${type}\t${extension}\t1767225600\n`,
      );
    }
    rows += count;
    writeSync(tsv, lines.join(''));
    directories.push({
      path,
      part: 1,
      last: true,
      rows: files,
      problems: [],
      entries: count,
      subdirectories: 0,
      others: 0,
      excluded: 0,
    });
    recordBytes += count * 45 + 120;
    if (recordBytes > RECORD_BYTES) flush();
  }
  flush();
  closeSync(tsv);
  worker.seal();
  const chunks = { planned: 1, completed: 1, failed: 0 };
  coordinator.append('scan.completed', {
    outcome: 'complete',
    files: ROWS,
    directories: 1,
    bytes: 1,
    problems: 0,
    chunks,
  });
  coordinator.seal();
  return worker.total;
}

const replayed = join(folder, 'replayed.db');
const imported = join(folder, 'imported.db');
const DDL =
  'CREATE TABLE files(path TEXT PRIMARY KEY, size INTEGER, mtime REAL, checksum TEXT, mount_point TEXT, ' +
  'file_type TEXT, extension TEXT, scan_time REAL) WITHOUT ROWID';
const sides = {
  replay: [process.execPath, main, 'replay', '--data-dir', folder, '--to', replayed, '--json'],
  import: ['sqlite3', imported, DDL, '.mode tabs', `.import ${join(folder, 'rows.tsv')} files`],
};

/** Wall and CPU seconds, and the peak memory of one run. */
function run([program, ...args]) {
  rmSync(replayed, { force: true });
  rmSync(imported, { force: true });
  const done = spawnSync('/usr/bin/time', ['-f', '%e %U %S %M', program, ...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program} failed: ${done.stderr}`);
  const [wall, user, system, peakKib] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system, peakMib: peakKib / 1024 };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  const bytes = generate();
  console.log(
    `${ROWS} rows, ${(bytes / ROWS).toFixed(1)} journal bytes a row, TSV ${statSync(join(folder, 'rows.tsv')).size} bytes`,
  );
  for (const [name, command] of Object.entries(sides))
    console.log(`${name}: ${command.map((part) => (/[ ']/.test(part) ? `'${part}'` : part)).join(' ')}`);
  const results = { replay: [], import: [] };
  for (let i = 0; i < RUNS; i += 1)
    for (const name of Object.keys(sides)) results[name].push(run(sides[name]));
  for (const [name, all] of Object.entries(results)) {
    const walls = all.map(({ wall }) => wall);
    console.log(
      `${name}: best ${Math.min(...walls).toFixed(2)} s, median ${median(walls).toFixed(2)} s, ` +
        `CPU ${median(all.map(({ cpu }) => cpu)).toFixed(2)} s, peak ${Math.round(Math.max(...all.map(({ peakMib }) => peakMib)))} MiB`,
    );
  }
  const ratios = results.replay.map(({ wall }, i) => wall / results.import[i].wall);
  console.log(
    `ratio replay/import: median ${median(ratios).toFixed(2)}, best ${Math.min(...ratios).toFixed(2)}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
