import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { JournalError } from './errors.js';
import { ownerFromEnvironment } from './owner.js';
import { makeFolder, own, syncFolder } from './storage.js';

/** A stretch of a file of the journal. */
export interface ByteRange {
  /** Relative to the journal's folder. */
  file: string;
  fromByte: number;
  toByte: number;
}

/** Bytes copied at once. */
const BLOCK_BYTES = 1024 * 1024;
/** Other copies of the same place, from repairs before, that are passed by. */
const COPIES_MAX = 1000;

/** Where in the quarantine the bytes of a range lie, relative to it. */
export function quarantineName({ file, fromByte, toByte }: ByteRange, copy = 1): string {
  return `${file}.${fromByte}-${toByte}${copy === 1 ? '' : `.${copy}`}`;
}

/**
 * Copies a range to the quarantine; the copy is on disk when this resolves. A copy that is there already,
 * byte for byte, is left as it is: so this can be done again after a crash.
 * @returns its name, relative to the quarantine
 */
export async function copyOut(journalDir: string, quarantineDir: string, range: ByteRange): Promise<string> {
  const source = join(journalDir, range.file);
  for (let copy = 1; copy <= COPIES_MAX; copy += 1) {
    const name = quarantineName(range, copy);
    const target = join(quarantineDir, name);
    const same = await equals(source, range, target);
    if (same === true) return name;
    if (same === false) continue;
    await makeFolder(dirname(target), ownerFromEnvironment());
    await copyRange(source, range, `${target}.tmp`);
    await rename(`${target}.tmp`, target);
    await syncFolder(dirname(target));
    return name;
  }
  throw new JournalError('io', `${quarantineDir} holds ${COPIES_MAX} other copies of ${range.file}`, {
    path: quarantineDir,
  });
}

/** Cuts a file where a range begins, if the range ends the file and is what the quarantine holds. */
export async function cutOff(
  journalDir: string,
  quarantineDir: string,
  range: ByteRange,
  name: string,
): Promise<void> {
  const source = join(journalDir, range.file);
  const handle = await open(source, 'r+');
  try {
    const { size } = await handle.stat();
    const kept = await equals(source, range, join(quarantineDir, name));
    if (size !== range.toByte || kept !== true)
      throw new JournalError('io', `${source} changed while it was repaired: left as it is`, {
        path: source,
      });
    await handle.truncate(range.fromByte);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function copyRange(source: string, { fromByte, toByte }: ByteRange, target: string): Promise<void> {
  const from = await open(source, 'r');
  const to = await open(target, 'w');
  try {
    await own(to, ownerFromEnvironment());
    const buffer = blockFor(toByte - fromByte);
    for (let at = fromByte; at < toByte;) {
      const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, toByte - at), at);
      if (bytesRead === 0) throw new JournalError('io', `${source} became shorter while it was copied`);
      await to.writeFile(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    await to.sync();
  } finally {
    await from.close();
    await to.close();
  }
}

/** Whether a file holds exactly the bytes of a range; null: there is no such file. */
async function equals(source: string, range: ByteRange, copy: string): Promise<boolean | null> {
  let kept: FileHandle;
  try {
    kept = await open(copy, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const handle = await open(source, 'r');
  try {
    const bytes = range.toByte - range.fromByte;
    if ((await kept.stat()).size !== bytes) return false;
    const [ours, theirs] = [blockFor(bytes), blockFor(bytes)];
    for (let at = 0; at < bytes;) {
      const want = Math.min(ours.length, bytes - at);
      const { bytesRead } = await handle.read(ours, 0, want, range.fromByte + at);
      const again = await kept.read(theirs, 0, bytesRead, at);
      if (bytesRead === 0 || again.bytesRead < bytesRead) return false;
      if (ours.compare(theirs, 0, bytesRead, 0, bytesRead) !== 0) return false;
      at += bytesRead;
    }
    return true;
  } finally {
    await kept.close();
    await handle.close();
  }
}

function blockFor(bytes: number): Buffer {
  return Buffer.allocUnsafe(Math.min(BLOCK_BYTES, bytes));
}
