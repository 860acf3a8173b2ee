import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { expect, test } from 'vitest';
import { JournalWriter } from '../../journal/writer.js';
import { ScanJournal } from '../../src/scan/scan-journal.js';
import { initialState } from '../../src/scan/state.js';
import { asCoordinator } from '../support/coordinator-writer.js';

test('who observes a record is told the time that stands in it', async () => {
  const journalDir = mkdtempSync(join(tmpdir(), 'nas-scanner-scan-journal-'));
  try {
    const scan = ulid();
    let nowMs = Date.parse('2026-03-29T01:00:00.000Z');
    const writer = await JournalWriter.open(asCoordinator(journalDir, scan, { now: () => (nowMs += 1000) }));
    const headers: unknown[] = [];
    const observer = { recorded: (_event: unknown, header: unknown) => void headers.push(header) };
    const journal = new ScanJournal(writer, initialState(), observer);
    await Promise.all(['a', 'b'].map((reason) => journal.append('scan.paused', { reason })));
    await journal.close();
    const lines = readFileSync(join(journalDir, scan, 'coordinator/0001-0001.ndjson'), 'utf8')
      .trim()
      .split('\n');
    const records = lines.map((line) => JSON.parse(line) as { type: string; at: string; seq: number });
    const paused = records.filter(({ type }) => type === 'scan.paused');
    expect(headers).toEqual(paused.map(({ at, seq }) => ({ at, seq, writer: 'coordinator', epoch: 1 })));
    expect(new Set(paused.map(({ at }) => at)).size).toBe(2);
  } finally {
    rmSync(journalDir, { recursive: true });
  }
});
