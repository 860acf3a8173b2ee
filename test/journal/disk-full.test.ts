import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WORKER_RESERVE_BYTES } from '../../journal/disk-trouble.js';
import { decodeEvent } from '../../journal/decode-event.js';
import { JournalError } from '../../journal/errors.js';
import type { ScanReport } from '../../journal/recover.js';
import { WriterTail } from '../../journal/reader.js';
import { JournalWriter, type JournalWriterOptions } from '../../journal/writer.js';
import { canMount, FAULT_SCAN, inCi, readNumbers } from '../support/journal-faults.js';

/** Waits for room for long, and says so in its journal. */
const PATIENT_WORKER = {
  writer: 'worker-0001',
  fullDiskWaitMs: 20_000,
  reserveBytes: WORKER_RESERVE_BYTES,
  tellsPauses: true,
};

const RECORD_BYTES = 2000;
/** What a record takes beside its reason, and less than a seal above it. */
const FRAME_LEFT_BYTES = 300;

/** Apart from the coordinator, which is not there. */
function unsoundSegments({ segments }: ScanReport): string[] {
  return segments
    .filter(({ writer, state }) => writer !== 'coordinator' && (state === 'damaged' || state === 'lost'))
    .map(({ file }) => file);
}

describe.skipIf(!canMount && !inCi)(
  'a disk that is really full (skipped where nothing can be mounted)',
  () => {
    let mount: string;
    let journalDir: string;

    beforeEach(() => {
      mount = mkdtempSync(join(tmpdir(), 'nas-full-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', mount]);
      journalDir = join(mount, 'journal');
      mkdirSync(journalDir);
    });
    afterEach(() => {
      spawnSync('umount', ['-l', mount]);
      rmSync(mount, { recursive: true, force: true });
    });

    const free = (): number => {
      const { bavail, bsize } = statfsSync(mount);
      return bavail * bsize;
    };
    /** Leaves so many bytes. */
    const fill = (leave: number): void =>
      writeFileSync(join(mount, 'filler'), Buffer.alloc(Math.max(0, free() - leave)));

    function open(more: Partial<JournalWriterOptions>): Promise<JournalWriter> {
      return JournalWriter.open({
        journalDir,
        scan: FAULT_SCAN,
        writer: 'coordinator',
        hostname: 'h',
        epoch: 1,
        previous: null,
        coordinator: null,
        ...more,
      });
    }

    const append = (writer: JournalWriter, n: number): Promise<unknown> =>
      writer.append('scan.paused', { reason: `number ${n} ${'x'.repeat(RECORD_BYTES)}` });

    test('a writer waits for room, says so, and goes on without losing or doubling anything', async () => {
      const said: string[] = [];
      const writer = await open({
        fullDiskWaitMs: 20_000,
        onPause: (error) => {
          said.push(error.message);
          setTimeout(() => rmSync(join(mount, 'filler')), 300);
        },
        onContinue: () => said.push('going on'),
      });
      fill(20_000);
      await Promise.all(Array.from({ length: 40 }, (_, n) => append(writer, n)));
      await writer.close();
      expect(said).toHaveLength(2);
      expect(said[0]).toMatch(/disk of the journal is full: ENOSPC.*waiting up to 20 s/);
      expect(said[1]).toBe('going on');
      const { numbers, report } = await readNumbers(journalDir);
      expect(numbers).toEqual(Array.from({ length: 40 }, (_, n) => n));
      expect(report.sound).toBe(true);
    });

    test('a writer that waits in vain stops with cause and path, and what it acknowledged is there', async () => {
      const writer = await open({ fullDiskWaitMs: 700 });
      fill(20_000);
      let acknowledged = 0;
      let failure: unknown = null;
      while (failure === null) {
        try {
          await append(writer, acknowledged);
          acknowledged += 1;
        } catch (error) {
          failure = error;
        }
      }
      expect(failure).toBeInstanceOf(JournalError);
      expect(failure).toMatchObject({
        code: 'no-segment',
        path: expect.stringContaining(journalDir) as string,
      });
      expect((failure as JournalError).message).toMatch(/ENOSPC/);
      await expect(writer.close()).rejects.toBe(failure);
      const { numbers, report } = await readNumbers(journalDir);
      expect(acknowledged).toBeGreaterThan(3);
      expect(numbers.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, n) => n));
      expect(report.sound).toBe(true);
    });

    test('the reserve holds the last words: the journal itself says that the disk was full', async () => {
      const writer = await open({
        fullDiskWaitMs: 700,
        reserveBytes: 64 * 1024,
        onPause: (error) => void writer.append('scan.paused', { reason: `number -1 ${error.message}` }),
      });
      fill(0);
      let acknowledged = 0;
      for (; acknowledged < 10; acknowledged += 1) await append(writer, acknowledged);
      await writer.close();
      const { numbers, report } = await readNumbers(journalDir);
      expect(numbers.filter((n) => n >= 0)).toEqual(Array.from({ length: 10 }, (_, n) => n));
      expect(numbers).toContain(-1);
      expect(report.segments.at(-1)?.state).toBe('sealed');
      expect(report.sound).toBe(true);
    });

    test('the reserve is given back in pieces: what somebody else takes of it is not all of it', async () => {
      const writer = await open({ fullDiskWaitMs: 700, reserveBytes: 256 * 1024 });
      const reserved = (): number => statSync(join(journalDir, FAULT_SCAN, 'coordinator/.reserve')).size;
      expect(reserved()).toBe(256 * 1024);
      fill(0);
      for (let n = 0; n < 4; n += 1) await append(writer, n);
      expect(reserved()).toBe(192 * 1024);
      writeFileSync(join(mount, 'taken'), Buffer.alloc(free()));
      for (let n = 4; n < 8; n += 1) await append(writer, n);
      expect(reserved()).toBe(128 * 1024);
      await writer.close();
      const { numbers, report } = await readNumbers(journalDir);
      expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(report.sound).toBe(true);
    });

    test('a writer that tells its pauses has them in its journal while it waits, for a reader who follows', async () => {
      const writer = await open(PATIENT_WORKER);
      const tail = new WriterTail({ journalDir, scan: FAULT_SCAN, writer: 'worker-0001' });
      const types: string[] = [];
      const follow = async (): Promise<string[]> => {
        for (const { record } of await tail.poll()) types.push(record.type);
        return types.filter((type) => type.startsWith('writer.'));
      };
      for (let pause = 1; pause <= 2; pause += 1) {
        fill(0);
        const appended = Promise.all(Array.from({ length: 20 }, (_, n) => append(writer, pause * 20 + n)));
        await expect.poll(follow).toHaveLength(2 * pause - 1);
        expect(types.slice(-3)).toEqual(['segment.opened', 'writer.paused', 'segment.sealed']);
        rmSync(join(mount, 'filler'));
        await appended;
      }
      await writer.close();
      expect(await follow()).toEqual([
        'writer.paused',
        'writer.continued',
        'writer.paused',
        'writer.continued',
      ]);
      await tail.close();
      const { numbers, report } = await readNumbers(journalDir);
      expect(numbers).toEqual(Array.from({ length: 40 }, (_, n) => n + 20));
      expect(unsoundSegments(report)).toEqual([]);
    });

    test('what waits for room is told in bytes, whatever its letters take', async () => {
      const letters = 30_000;
      const writer = await open(PATIENT_WORKER);
      const tail = new WriterTail({ journalDir, scan: FAULT_SCAN, writer: 'worker-0001' });
      const needed: number[] = [];
      fill(0);
      const appended = writer.append('scan.paused', { reason: `number 1 ${'\u6f22'.repeat(letters)}` });
      const told = async (): Promise<number> => {
        for (const { record } of await tail.poll()) {
          const event = decodeEvent(record);
          if (event?.type === 'writer.paused') needed.push(event.data.neededBytes);
        }
        return needed.length;
      };
      await expect.poll(told).toBe(1);
      expect(needed[0]).toBeGreaterThan(3 * letters);
      rmSync(join(mount, 'filler'));
      await appended;
      await writer.close();
      await tail.close();
    });

    test('a pause that begins with the seal is over before the seal', async () => {
      const pauses: string[] = [];
      const writer = await open({
        ...PATIENT_WORKER,
        onPause: () => {
          pauses.push('paused');
          setTimeout(() => rmSync(join(mount, 'filler')), 300);
        },
      });
      // Up to the end of a page: the next byte needs another one.
      const page = 4096;
      const { bytes } = (await append(writer, 0)) as { bytes: number };
      const left = page - (bytes % page);
      await writer.append('scan.paused', { reason: `number 1 ${'x'.repeat(left - FRAME_LEFT_BYTES)}` });
      fill(0);
      const seal = await writer.close();
      expect(pauses).toEqual(['paused']);
      expect(seal).toMatchObject({ epoch: 2, segment: 2 });
      const { numbers, report } = await readNumbers(journalDir);
      expect(numbers).toEqual([0, 1]);
      expect(report.segments.at(-1)?.state).toBe('sealed');
      expect(unsoundSegments(report)).toEqual([]);
    });

    test('is not waited for once the wait is ended, and what it holds back is what was not acknowledged', async () => {
      const waiting = new AbortController();
      const writer = await open({
        fullDiskWaitMs: 600_000,
        endWait: waiting.signal,
        onPause: () => setTimeout(() => waiting.abort(), 50),
      });
      fill(0);
      let acknowledged = 0;
      const all = async (): Promise<void> => {
        for (; acknowledged < 20; acknowledged += 1) await append(writer, acknowledged);
      };
      await expect(all()).rejects.toMatchObject({
        code: 'no-segment',
        message: expect.stringContaining('told to stop while it waited for room') as string,
      });
      await expect(writer.close()).rejects.toThrow('told to stop');
      const { numbers, report } = await readNumbers(journalDir);
      expect(numbers.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, n) => n));
      expect(report.sound).toBe(true);
    });
  },
);
