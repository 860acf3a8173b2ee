import { mkdtempSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const TMPFS_MAGIC = 0x01021994;
const SHARED_MEMORY = '/dev/shm';

/** Whether there is a file system in memory: it holds files of 2^63-1 bytes and times of any year. */
export function hasTmpfs(): boolean {
  try {
    return statfsSync(SHARED_MEMORY).type === TMPFS_MAGIC;
  } catch {
    return false;
  }
}

/** A new folder there; whoever asks removes it. */
export function tmpfsFolder(): string {
  return mkdtempSync(join(SHARED_MEMORY, 'nas-scanner-test-'));
}
