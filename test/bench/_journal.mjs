// Writes the journal of a big, complete scan without scanning: many workers over small directories, one record for a
// few of them, checksums and seals as a scan leaves them. For benchmarks of what reads journals.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../dist/journal/record.js';

const SEGMENT_BYTES = 64 * 1024 * 1024;
const WRITE_BYTES = 4 * 1024 * 1024;
const START_MS = Date.parse('2026-11-23T18:00:00.000Z');
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const MOUNT = '/mnt/user/Archive';
const HOST = { hostname: 'tower', bootId: 'b5c0f1de-1', cpus: 8, memoryBytes: 32 * 1024 ** 3 };
/** Subdirectories of a directory, as long as there are any left. */
const FAN_OUT = 12;
/** Records of a worker between two words of the coordinator about it. */
const WORD_EVERY = 20;

export const SCAN = '01KARA41R028T5CY4GNF6YY4HM';

const digits = (value, length) =>
  Array.from({ length }, (_, at) => BASE32[Math.floor(value / 32 ** (length - 1 - at)) % 32]).join('');

/** One writer's segments, unsynced. */
class Writer {
  #journal;
  #lines = [];
  #waiting = 0;
  #file = -1;
  #segment = 0;
  #bytes = 0;
  #records = 0;
  #hash = null;
  #last = null;

  constructor(journal, name, coordinator) {
    this.#journal = journal;
    Object.assign(this, { name, coordinator, seq: 0, prev: '00000000', total: 0 });
    mkdirSync(join(journal.folder, SCAN, name), { recursive: true });
  }

  append(type, data, atMs) {
    if (this.#file < 0) this.#open(atMs);
    this.#line(type, data, atMs);
    if (this.#bytes > SEGMENT_BYTES) this.seal(atMs);
  }

  position() {
    return { writer: this.name, ...this.#last, bytes: this.#bytes };
  }

  reference() {
    return { ...this.#last, segment: undefined };
  }

  seal(atMs) {
    const sha256 = this.#hash.copy().digest('hex');
    this.#line('segment.sealed', { records: this.#records, bytes: this.#bytes, sha256 }, atMs);
    this.#flush();
    closeSync(this.#file);
    this.#file = -1;
  }

  #open(atMs) {
    this.#segment += 1;
    const file = `0001-${String(this.#segment).padStart(4, '0')}.ndjson`;
    this.#file = openSync(join(this.#journal.folder, SCAN, this.name, file), 'w');
    Object.assign(this, { total: this.total });
    this.#bytes = 0;
    this.#records = 0;
    this.#hash = createHash('sha256');
    const { coordinator } = this;
    const opened = {
      format: 1,
      hostname: 'tower',
      segment: this.#segment,
      previous: this.#last,
      coordinator,
    };
    this.#line('segment.opened', opened, atMs);
  }

  #line(type, data, atMs) {
    this.seq += 1;
    this.#journal.records += 1;
    const id = digits(Math.floor(atMs), 10) + digits(this.#journal.records, 16);
    const at = new Date(atMs).toISOString();
    const header = { seq: this.seq, durable: this.seq - 1, id, at, scan: SCAN, writer: this.name };
    const { line, crc } = encodeLine(
      { ...header, epoch: 1, type, v: 1, prev: this.prev },
      JSON.stringify(data),
    );
    this.#hash.update(line);
    this.#lines.push(line);
    this.#waiting += line.length;
    this.#bytes += line.length;
    this.#records += 1;
    this.#journal.bytes += line.length;
    this.prev = crc;
    this.#last = { epoch: 1, segment: this.#segment, seq: this.seq, crc };
    if (this.#waiting > WRITE_BYTES) this.#flush();
  }

  #flush() {
    writeSync(this.#file, Buffer.concat(this.#lines));
    this.#lines = [];
    this.#waiting = 0;
  }
}

/** `count` directories below a chunk's root, parents first: path and number of subdirectories. */
function* treeOf(root, count) {
  const paths = [root];
  for (let at = 0; at < count; at += 1) {
    const first = at * FAN_OUT + 1;
    const below = Math.max(0, Math.min(FAN_OUT, count - first));
    for (let i = 0; i < below; i += 1) paths[first + i] = `${paths[at]}/Folder ${first + i}`;
    yield { path: paths[at], subdirectories: below };
    paths[at] = null;
  }
}

function rowsOf(number) {
  const rows = [];
  for (let i = 0; i < number % 5; i += 1)
    rows.push([
      `IMG_${number}_${i}.JPG`,
      1_000_000 + ((number * 7919 + i) % 4_000_000),
      '1700000000123456789',
    ]);
  return rows;
}

/**
 * Writes a complete scan into `folder` (a journal directory).
 * @param records how many records it has in all, nearly
 * @param perRecord directories in one record of a worker
 * @returns {records, bytes, files, directories}
 */
export function writeJournal(folder, { records, workers = 64, perRecord = 1 }) {
  const journal = { folder, records: 0, bytes: 0 };
  const totals = { files: 0, directories: 0, bytes: 0, problems: 0 };
  const coordinator = new Writer(journal, 'coordinator', null);
  let nowMs = START_MS;
  const say = (type, data) => coordinator.append(type, data, nowMs);
  say('scan.started', {
    ...{
      mountPath: MOUNT,
      mountName: 'Archive',
      engine: 'docker',
      options: { checksum: 'none' },
      host: HOST,
    },
  });
  say('preflight.checked', { check: 'mount', ok: true, detail: 'readable', advice: '' });
  say('chunk.planned', {
    ...{ chunk: 1, roots: [{ path: MOUNT, scope: 'files' }], reason: 'sized', estimatedFiles: 1 },
    estimatedBytes: 1,
  });
  for (let chunk = 2; chunk <= workers; chunk += 1)
    say('chunk.planned', {
      ...{ chunk, roots: [{ path: `${MOUNT}/Share ${chunk}`, scope: 'subtree' }], reason: 'sized' },
      ...{ estimatedFiles: 1000, estimatedBytes: 1e9 },
    });
  say('plan.finished', { chunks: workers });
  const each = Math.floor((records * WORD_EVERY) / (WORD_EVERY + 2) / (workers - 1));
  for (let chunk = 1; chunk <= workers; chunk += 1) {
    const name = `smart-scan-01karat-${chunk}-1`;
    const held = { chunk, attempt: 1, name };
    say('container.requested', {
      ...held,
      image: 'nas-scanner-hp:latest',
      command: `docker run --name ${name}`,
    });
    say('container.started', { ...held, id: `${chunk}`.padStart(12, 'c') });
    const worker = new Writer(journal, `worker-${String(chunk).padStart(4, '0')}`, coordinator.reference());
    const own = { files: 0, directories: 0, bytes: 0, problems: 0 };
    const tree =
      chunk === 1
        ? [{ path: MOUNT, subdirectories: workers - 1 }]
        : treeOf(`${MOUNT}/Share ${chunk}`, each * perRecord);
    let batch = [];
    let batches = 0;
    const write = () => {
      worker.append(
        'files.batch',
        { chunk, attempt: 1, columns: ['name', 'size', 'mtimeNs'], directories: batch },
        nowMs,
      );
      batch = [];
      batches += 1;
      nowMs += 2;
      if (batches % WORD_EVERY > 0) return;
      say('writer.progressed', worker.position());
      say('health.checked', {
        ...{
          chunk,
          attempt: 1,
          responsive: true,
          cpuPercent: 40,
          memoryBytes: 80e6 + (batches % 1000) * 1e4,
        },
        ...{ memoryLimitBytes: 512e6, filesRecorded: own.files, secondsSinceProgress: 0.1 },
        ...{ mountAccessible: true, journalFreeBytes: 1e12 },
      });
    };
    for (const { path, subdirectories } of tree) {
      const rows = rowsOf(own.directories);
      batch.push({
        ...{ path, part: 1, last: true, rows, problems: [], entries: rows.length + subdirectories },
        ...{ subdirectories, others: 0, excluded: 0 },
      });
      own.directories += 1;
      own.files += rows.length;
      for (const [, size] of rows) own.bytes += size;
      if (batch.length === perRecord) write();
    }
    if (batch.length > 0) write();
    worker.append('chunk.scanned', { chunk, attempt: 1, ...own }, nowMs);
    worker.seal(nowMs);
    say('container.exited', { ...held, id: 'c', exitCode: 0, oomKilled: false, error: '', logTail: [] });
    say('container.removed', { name, id: 'c' });
    say('writer.progressed', worker.position());
    say('chunk.completed', { chunk, attempt: 1, ...own });
    for (const key of Object.keys(totals)) totals[key] += own[key];
  }
  const chunks = { planned: workers, completed: workers, failed: 0 };
  say('scan.completed', { outcome: 'complete', ...totals, chunks });
  coordinator.seal(nowMs);
  return { records: journal.records, ...totals, bytes: journal.bytes };
}
