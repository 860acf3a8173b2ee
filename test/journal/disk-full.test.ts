import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from '../../journal/errors.js';
import { JournalWriter, type JournalWriterOptions } from '../../journal/writer.js';
import { canMount, FAULT_SCAN, inCi, readNumbers } from '../support/journal-faults.js';

const RECORD_BYTES = 2000;

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
  },
);
