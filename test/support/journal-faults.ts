import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeEvent } from '../../journal/decode-event.js';
import { ScanReader } from '../../journal/reader.js';
import type { ScanReport } from '../../journal/recovery.js';
import { segmentPath } from '../../journal/segments.js';

export const FAULT_SCAN = '01KARA41R028T5CY4GNF6YY4HM';
const PROGRAM = join(import.meta.dirname, 'journal-program.mjs');
/** New segments that a persistent error meets too; more than a writer tries. */
const FAULTY_SEGMENTS_MAX = 12;

export const hasStrace = spawnSync('strace', ['-V']).status === 0;
export const canMount =
  process.getuid?.() === 0 && spawnSync('mkfs.ext4', ['-V']).status === 0 && canMountTmpfs();
/** Where everything must be there, nothing is skipped. */
export const inCi = process.env['CI'] === 'true';

function canMountTmpfs(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'nas-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return mounted;
}

/** What a writing program said before it ended, and how it ended. */
export interface Written {
  /** Records that it saw acknowledged. */
  acknowledged: number[];
  done: boolean;
  /** `code message` of the error that stopped it. */
  error: string | null;
  signal: NodeJS.Signals | null;
}

export interface WriteOptions {
  groups: number;
  perGroup: number;
  /** What strace injects, e.g. `write:error=EIO:when=3`; null: nothing. */
  inject: string | null;
  fullDiskWaitMs?: number;
}

/** Starts the program that appends records; `inject` meets it on its segments only. */
export function startWriter(journalDir: string, options: WriteOptions): ChildProcess {
  const { groups, perGroup, inject, fullDiskWaitMs = 300 } = options;
  const program = [process.execPath, PROGRAM, journalDir, FAULT_SCAN, groups, perGroup, fullDiskWaitMs].map(
    String,
  );
  const [command = '', ...args] = inject === null ? program : [...straceArgs(journalDir, inject), ...program];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  return spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

function straceArgs(journalDir: string, inject: string): string[] {
  const paths: string[] = [];
  for (let i = 1; i <= FAULTY_SEGMENTS_MAX; i += 1) {
    for (const [epoch, segment] of [
      [1, i],
      [i, 1],
    ] as const)
      paths.push(segmentPath(journalDir, { scan: FAULT_SCAN, writer: 'worker-0001', epoch, segment }));
  }
  return straceWith(inject, paths, 'write,fdatasync');
}

/** Follows a program to its end. `heard` is called with the acknowledged records so far. */
export function followWriter(child: ChildProcess, heard?: (acknowledged: number) => void): Promise<Written> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      heard?.(text.split('ack ').length - 1);
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      const lines = text.split('\n');
      const acknowledged = lines
        .filter((line) => /^ack \d+ \d+ \d+$/.test(line))
        .map((line) => Number(line.split(' ')[1]));
      const error = lines.find((line) => line.startsWith('error '))?.slice('error '.length) ?? null;
      resolve({ acknowledged, done: lines.includes('done'), error, signal });
    });
  });
}

/** The numbers that the journal holds, in reading order, and what recovery says. */
export async function readNumbers(journalDir: string): Promise<{ numbers: number[]; report: ScanReport }> {
  const reader = new ScanReader({ journalDir, scan: FAULT_SCAN, threads: 0 });
  const numbers: number[] = [];
  for await (const batch of reader.batches()) {
    for (const { record } of batch) {
      const event = decodeEvent(record);
      if (event?.type === 'scan.paused') numbers.push(Number(event.data.reason.split(' ')[1]));
    }
  }
  return { numbers, report: reader.report() };
}

/** What is wrong with a journal after a fault; null: every acknowledged record is there, and none twice. */
export async function judgeJournal(
  journalDir: string,
  acknowledged: readonly number[],
): Promise<string | null> {
  if (!existsSync(join(journalDir, FAULT_SCAN))) return acknowledged.length === 0 ? null : 'all is gone';
  const { numbers, report } = await readNumbers(journalDir);
  const found = new Set(numbers);
  const missing = acknowledged.filter((n) => !found.has(n));
  if (missing.length > 0) return `acknowledged and gone: ${missing.join()}`;
  if (found.size !== numbers.length) return 'a record counts twice';
  if (numbers.some((n, i) => n !== i)) return `not what was written: ${numbers.join()}`;
  const wrong = report.segments.find(
    ({ state, writer }) => writer !== 'coordinator' && (state === 'damaged' || state === 'lost'),
  );
  return wrong === undefined ? null : `${wrong.file} is ${wrong.state}: ${wrong.detail.join('; ')}`;
}

/**
 * Follows all threads of a program and injects, e.g. `write:error=EIO:when=3`, where a call touches one of the paths.
 * Stopped at the calls in question only, a program takes half as long; signals are not delivered that way, though.
 */
export function straceWith(inject: string, paths: readonly string[], calls: string): string[] {
  const stops = inject.includes(':signal=') ? [] : ['--seccomp-bpf'];
  const where = paths.flatMap((path) => ['-P', path]);
  return [
    'strace',
    ...stops,
    '-f',
    '-q',
    '-o',
    '/dev/null',
    ...where,
    '-e',
    `trace=${calls}`,
    '-e',
    `inject=${inject}`,
  ];
}

/** Runs `work` with an empty folder, and removes it. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-fault-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs tasks, so many at a time. */
export async function inParallel<T>(
  tasks: readonly T[],
  atOnce: number,
  work: (task: T) => Promise<void>,
): Promise<void> {
  const queue = [...tasks];
  const run = async (): Promise<void> => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) await work(task);
  };
  await Promise.all(Array.from({ length: atOnce }, run));
}
