import { pathKey } from '../../journal/path-text.js';
import { probeMount } from '../health/mount.js';
import { nameForJournal } from '../walk/names.js';
import { MOUNT_TROUBLE_CODES } from '../walk/system-error.js';
import type { ChunkProgress } from './progress.js';
import type { ScanSettings } from './settings.js';

/** Directories are gone with their mount, too, where that was unmounted. */
function isSuspicious(code: string): boolean {
  return code === 'ENOENT' || MOUNT_TROUBLE_CODES.has(code);
}

export interface LostMount {
  reason: string;
  /** It is there again. */
  isBack: boolean;
}

/**
 * Whether the mount went away while an attempt walked it: what that could not list is no trait of the directories then,
 * and the chunk is not done. Looks at the mount only where something failed in such a way.
 * @returns null: it did not
 */
export async function lostMount(
  { mountPath, ioTimeoutMs, task }: ScanSettings,
  progress: ChunkProgress,
  attempt: number,
): Promise<LostMount | null> {
  const { codes, failures } = progress.ledger.troublesOfAttempt(attempt);
  const code = [...codes].find(isSuspicious);
  if (code === undefined) return null;
  const { state, device } = await probeMount(mountPath, ioTimeoutMs);
  const isOther = task.mountDevice !== null && device !== null && device !== task.mountDevice;
  // Workers may be allowed to see what their coordinator is not.
  const isBack = (state === 'ok' || state === 'denied') && !isOther;
  const own = failures.get(pathKey(nameForJournal(mountPath)));
  const isLost = !isBack || (own !== undefined && isSuspicious(own));
  return isLost ? { reason: `the mount was lost: ${own ?? code}`, isBack } : null;
}
