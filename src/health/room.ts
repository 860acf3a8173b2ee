import { constants } from 'node:fs';
import { access, open, statfs, unlink } from 'node:fs/promises';
import { freemem, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../journal/storage.js';

/** Bytes an ordinary user may still write there, or null where the file system does not say. */
export async function freeBytes(directory: string): Promise<number | null> {
  try {
    const room = await statfs(directory);
    return room.bavail * room.bsize;
  } catch {
    return null; // gone, or a file system without figures: the caller shows "unknown"
  }
}

export interface HostLoad {
  /** Processes that ran or waited, averaged over a minute. */
  load1: number;
  memoryFreeBytes: number;
  memoryBytes: number;
}

export function hostLoad(): HostLoad {
  return { load1: loadavg()[0] ?? 0, memoryFreeBytes: freemem(), memoryBytes: totalmem() };
}

/** Creates the directory where it is missing and proves that a file can be written, synced and removed there. */
export async function proveWritable(directory: string, token: string): Promise<void> {
  await makeFolder(directory);
  // With a dot: of a file in its place it would say EACCES.
  await access(`${directory}/.`, constants.W_OK | constants.X_OK);
  const path = join(directory, `.nas-scanner-${token}`);
  const file = await open(path, 'wx');
  try {
    await file.write('nas-scanner\n');
    await file.sync();
  } finally {
    await file.close();
    await unlink(path);
  }
}
