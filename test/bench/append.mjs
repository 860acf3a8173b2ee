// Appends per second and the latency of an acknowledged record, with 1, 8 and 64 concurrent appenders, against a bare
// loop of write + fdatasync of the same lines. The two sides take turns in one process.
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalWriter } from '../../dist/journal/writer.js';

const ROUNDS = 5;
const RECORDS = 600;
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const reason = 'x'.repeat(200);
// What one such record takes on disk, header and checksums included.
const LINE_BYTES = 420;

const folder = mkdtempSync(join(tmpdir(), 'nas-bench-append-'));
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const percentile = (values, part) => values.sort((a, b) => a - b)[Math.floor(values.length * part)];

async function bare(round) {
  const file = await open(join(folder, `bare-${round}`), 'ax');
  const line = Buffer.alloc(LINE_BYTES, 0x20);
  const latencies = [];
  const start = performance.now();
  for (let i = 0; i < RECORDS; i += 1) {
    const from = performance.now();
    await file.write(line);
    await file.datasync();
    latencies.push(performance.now() - from);
  }
  const seconds = (performance.now() - start) / 1000;
  await file.close();
  return { perSecond: RECORDS / seconds, latencies };
}

async function journal(round, appenders) {
  const writer = await JournalWriter.open({
    journalDir: join(folder, `journal-${appenders}-${round}`),
    scan: SCAN,
    writer: 'coordinator',
    hostname: 'bench',
    epoch: 1,
    previous: null,
    coordinator: null,
  });
  const latencies = [];
  const each = (RECORDS * (appenders === 1 ? 1 : 4)) / appenders;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: appenders }, async () => {
      for (let i = 0; i < each; i += 1) {
        const from = performance.now();
        await writer.append('scan.paused', { reason });
        latencies.push(performance.now() - from);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  await writer.close();
  return { perSecond: (each * appenders) / seconds, latencies };
}

try {
  console.log(`append: ${cpus().length} x ${cpus()[0].model}, Node ${process.version}, ${folder}`);
  console.log(
    `sides: fs write+fdatasync of ${LINE_BYTES} bytes, one after the other | JournalWriter.append of as many`,
  );
  await bare('warm-up');
  await journal('warm-up', 1);
  for (const appenders of [1, 8, 64]) {
    const ratios = [];
    const sides = { bare: [], journal: [] };
    const rates = { bare: [], journal: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      const a = await bare(`${appenders}-${round}`);
      const b = await journal(round, appenders);
      ratios.push(b.perSecond / a.perSecond);
      rates.bare.push(a.perSecond);
      rates.journal.push(b.perSecond);
      sides.bare.push(...a.latencies);
      sides.journal.push(...b.latencies);
    }
    const tell = (name) =>
      `${Math.round(median(rates[name]))}/s (p50 ${percentile(sides[name], 0.5).toFixed(2)} ms, p99 ${percentile(sides[name], 0.99).toFixed(2)} ms)`;
    console.log(
      `${appenders} appenders: bare ${tell('bare')} | journal ${tell('journal')} | ratio ${median(ratios).toFixed(2)}x`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
