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
  signal?: AbortSignal,
): Promise<Measured | null> {
  if (signal?.aborted === true) return null;
  let leave = (): void => undefined;
  const nothing = new Promise<null>((resolve) => (leave = () => resolve(null)));
  const timer = setTimeout(leave, timeoutMs);
  signal?.addEventListener('abort', leave);
  try {
    return await Promise.race([measuring.measure(path, true, () => true), nothing]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  }
}

/** Paths of the mount's directories, sorted, or null where they cannot be listed, or not in time. */
export async function topLevel(
  measuring: Measuring,
  { mountPath, ioTimeoutMs, signal }: Pick<PlanOptions, 'mountPath' | 'ioTimeoutMs' | 'signal'>,
): Promise<string[] | null> {
  try {
    const measured = await namesInTime(measuring, mountPath, ioTimeoutMs, signal);
    return measured?.subdirectories.sort().map((name) => joinPath(mountPath, name)) ?? null;
  } catch (error) {
    if (error instanceof PlanError) return null;
    throw error;
  }
}
