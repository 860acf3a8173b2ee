// Appends records and says so: `ack <n> <epoch> <seq>` for each that is acknowledged, then `done` or `error <code> <message>`.
// Usage: journal-program.mjs DIR SCAN GROUPS RECORDS_PER_GROUP [FULL_DISK_WAIT_MS]
import { writeSync } from 'node:fs';
import { JournalWriter } from '../../dist/journal/writer.js';

const [journalDir, scan, groups, perGroup, fullDiskWaitMs = '300'] = process.argv.slice(2);
try {
  const writer = await JournalWriter.open({
    journalDir,
    scan,
    writer: 'worker-0001',
    hostname: 'h',
    epoch: 1,
    previous: null,
    coordinator: null,
    segmentBytesMax: 16 * 1024,
    fullDiskWaitMs: Number(fullDiskWaitMs),
  });
  let n = 0;
  for (let group = 0; group < Number(groups); group += 1) {
    const appended = Array.from({ length: Number(perGroup) }, async () => {
      const mine = n++;
      const { epoch, seq } = await writer.append('scan.paused', { reason: `number ${mine}` });
      return `ack ${mine} ${epoch} ${seq}\n`;
    });
    writeSync(1, (await Promise.all(appended)).join(''));
  }
  await writer.close();
  writeSync(1, 'done\n');
} catch (error) {
  writeSync(1, `error ${error.code} ${error.message}\n`);
  process.exitCode = 1;
}
