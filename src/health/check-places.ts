import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { COORDINATOR } from '../../journal/segments.js';
import { errnoName, isFullDisk } from '../../journal/storage.js';
import { JournalWriter } from '../../journal/writer.js';
import { failed, passed, warned, type Check } from './check.js';
import type { MountProbe } from './mount.js';
import { freeBytes, proveWritable } from './room.js';

const MIB = 1024 ** 2;
/** Less than this and the journal's next segment does not fit. */
const ROOM_MIN_BYTES = 64 * MIB;
/** Less than this and a big scan may not fit. */
const ROOM_LOW_BYTES = 1024 * MIB;
/** A disk that takes longer for one fsync slows every worker down. */
const SLOW_SYNC_MS = 1000;

/**
 * The mount: there, a directory, readable, alive; an empty one only warns.
 * @param realDataDir where the data directory's path leads; null where that is not known
 */
export function checkMount(
  path: string,
  probe: MountProbe,
  { timeoutMs, realDataDir }: { timeoutMs: number; realDataDir: string | null },
): Check {
  switch (probe.state) {
    case 'ok':
      if (probe.realPath !== null && probe.realPath === realDataDir) {
        return failed(
          'mount',
          'data-dir.unwritable',
          `${path} is the data directory itself`,
          'Choose another one with --data-dir.',
        );
      }
      return { ...readable(path, probe), ...(probe.device === null ? {} : { device: probe.device }) };
    case 'missing':
      return failed(
        'mount',
        'mount.missing',
        `${path} does not exist (${probe.code ?? 'ENOENT'})`,
        'Check the spelling and that the share is mounted: ls -la of the path must show your files. In a container, the path needs a -v of its own.',
      );
    case 'not-directory':
      return failed('mount', 'mount.missing', `${path} is not a directory`, 'Give the folder that holds it.');
    case 'denied':
      return failed(
        'mount',
        'mount.denied',
        `${path} may not be read (${probe.code ?? 'EACCES'})`,
        'Run the scanner as root, or give its user permission to read the share.',
      );
    case 'hung':
      return failed(
        'mount',
        'mount.lost',
        `${path} did not answer within ${timeoutMs / 1000} s`,
        'The server or disk behind it is gone or asleep. Unmount and mount it again, or raise --io-timeout.',
      );
    case 'stale':
    case 'failed':
      return failed(
        'mount',
        'mount.lost',
        `${path} is mounted but dead (${probe.code ?? 'unknown error'})`,
        'The server or the FUSE program behind it is gone. Unmount and mount it again.',
      );
  }
}

function readable(path: string, { empty }: MountProbe): Check {
  if (empty !== true) return passed('mount', `${path} is there and can be read`);
  return warned(
    'mount',
    'scan.empty',
    `${path} is empty`,
    'An unmounted share looks just like this. Check that the array is started and the share is mounted.',
  );
}

/** The data directory: can be created, written and synced, and has room. */
export async function checkDataDir(dataDir: string): Promise<Check> {
  try {
    await proveWritable(dataDir, randomBytes(6).toString('hex'));
  } catch (error) {
    const code = errnoName(error);
    const full = isFullDisk(code);
    return failed(
      'data-dir',
      full ? 'disk.full' : 'data-dir.unwritable',
      `${dataDir} cannot be written (${code})`,
      full ? 'Make room on that disk, or choose another one with --data-dir.' : unwritableAdvice(code),
    );
  }
  const free = await freeBytes(dataDir);
  if (free === null) return passed('data-dir', `${dataDir} can be written; how much room it has is unknown`);
  const detail = `${dataDir} can be written and has ${room(free)} free`;
  if (free >= ROOM_LOW_BYTES) return passed('data-dir', detail);
  const advice = 'Make room on that disk, or choose another one with --data-dir.';
  if (free < ROOM_MIN_BYTES) {
    return failed('data-dir', 'disk.full', `${detail}; a scan needs ${room(ROOM_MIN_BYTES)}`, advice);
  }
  return warned(
    'data-dir',
    'disk.low',
    `${detail}; a big scan may need more than ${room(ROOM_LOW_BYTES)}`,
    advice,
  );
}

function unwritableAdvice(code: string): string {
  if (code === 'EROFS') return 'The disk is mounted read-only: choose another one with --data-dir.';
  if (code === 'ENOTDIR') return 'It, or what it lies in, is a file: choose a folder with --data-dir.';
  return 'Give the scanner permission to write there, or choose another folder with --data-dir.';
}

/** The journal: a record written and synced for real, in a folder that is removed again. */
export async function checkJournal(journalDir: string, scan: string): Promise<Check> {
  const folder = join(journalDir, `.preflight-${randomBytes(6).toString('hex')}`);
  const startedMs = performance.now();
  try {
    const writer = await JournalWriter.open({
      journalDir: folder,
      scan,
      writer: COORDINATOR,
      hostname: hostname(),
      epoch: 1,
      previous: null,
      coordinator: null,
    });
    await writer.close();
  } catch (error) {
    const code = errnoName(error instanceof Error && error.cause !== undefined ? error.cause : error);
    const full = isFullDisk(code);
    return failed(
      'journal',
      full ? 'disk.full' : 'data-dir.unwritable',
      `a record cannot be written to ${journalDir} (${code})`,
      full ? 'Make room on that disk.' : unwritableAdvice(code),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const tookMs = Math.round(performance.now() - startedMs);
  const detail = `records reach the disk (written, synced and sealed in ${tookMs} ms)`;
  if (tookMs <= SLOW_SYNC_MS) return passed('journal', detail);
  return warned(
    'journal',
    null,
    detail,
    'That disk is very slow: the scan will be, too. An SSD or cache pool is a better place for --data-dir.',
  );
}

/** Never rounded up: what is less than the limit must not read as if it were the limit. */
function room(bytes: number): string {
  const mib = Math.floor(bytes / MIB);
  return mib >= 1024 ? `${(Math.floor((mib / 1024) * 10) / 10).toFixed(1)} GiB` : `${mib} MiB`;
}
