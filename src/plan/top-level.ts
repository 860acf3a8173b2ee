import { joinPath } from '../walk/names.js';
import { PlanError } from './errors.js';
import type { Measured } from './measure.js';
import type { Measuring } from './measuring.js';
import type { PlanOptions } from './options.js';

/** Asks for a directory's subdirectories; null when there is no answer in time. @throws PlanError `measuring-failed` */
export async function namesInTime(
  measuring: Measuring,
  path: string,
  timeoutMs: number,
): Promise<Measured | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => (timer = setTimeout(resolve, timeoutMs, null)));
  try {
    return await Promise.race([measuring.measure(path, true, () => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Paths of the mount's directories, sorted, or null where they cannot be listed, or not in time. */
export async function topLevel(
  measuring: Measuring,
  { mountPath, ioTimeoutMs }: Pick<PlanOptions, 'mountPath' | 'ioTimeoutMs'>,
): Promise<string[] | null> {
  try {
    const measured = await namesInTime(measuring, mountPath, ioTimeoutMs);
    return measured?.subdirectories.sort().map((name) => joinPath(mountPath, name)) ?? null;
  } catch (error) {
    if (error instanceof PlanError) return null;
    throw error;
  }
}
