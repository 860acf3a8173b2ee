import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENTRY, Place, until } from '../support/cli.js';
import { inCi } from '../support/journal-faults.js';
import { canMountFuse, LatencyMount } from '../support/latency-mount.js';
import { plantManyFiles } from '../support/many-files.js';
import { readRecords, type PlainRecord } from '../support/outside.js';

const FOLDERS = 25;
const FILES = FOLDERS * 20;
/** `  1,234 files  5.6 KiB  78 files/s  …` */
const SUMMARY = /^ {2}([\d,]+) files? {2}[\d.]+ [KMG]?i?B {2}/;

function recorded(place: Place, type: string): PlainRecord[] {
  const [id = ''] = place.scans();
  return readRecords(place.journal, id).filter((record) => record.type === type);
}

test.runIf(canMountFuse || inCi)(
  'what the live display counts never goes back, also while a chunk waits for its next attempt',
  async () => {
    const place = new Place();
    const source = join(place.root, 'source');
    mkdirSync(source);
    plantManyFiles(source, FOLDERS, 20);
    const mount = await LatencyMount.open(source, place.tree, { LATENCY_MS: '20' });
    try {
      const words = [ENTRY, ...place.scanArgs('--checksum', 'sampled', '--workers', '1', '--fast-start')];
      const command = [process.execPath, ...words].map((word) => `'${word}'`).join(' ');
      // `script` gives it a terminal.
      const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
      const ended = new Promise((resolve) => child.once('close', resolve));
      const counts = (): number[] =>
        shown
          .split('\n')
          .flatMap((line) => SUMMARY.exec(line)?.[1] ?? [])
          .map((count) => Number(count.replaceAll(',', '')));
      await until('files on the display', () => counts().some((count) => count > 0));
      process.kill(Number(recorded(place, 'process.started')[0]?.data['id']), 'SIGKILL');
      await until('the failure', () => recorded(place, 'chunk.failed').length > 0);
      const before = counts().length;
      expect(await ended).toBe(0);
      expect(counts().length).toBeGreaterThan(before);
      expect(counts()).toEqual(counts().sort((a, b) => a - b));
      expect(counts().at(-1)).toBeLessThanOrEqual(FILES);
    } finally {
      mount.close();
      place.remove();
    }
  },
);
