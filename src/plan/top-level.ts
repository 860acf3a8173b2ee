import { joinPath } from '../walk/names.js';
import { PlanError } from './errors.js';
import type { Measuring } from './measuring.js';
import type { PlanOptions } from './options.js';

/** Paths of the mount's directories, sorted, or null where they cannot be listed, or not in time. */
export async function topLevel(
  measuring: Measuring,
  { mountPath, ioTimeoutMs }: Pick<PlanOptions, 'mountPath' | 'ioTimeoutMs'>,
): Promise<string[] | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => (timer = setTimeout(resolve, ioTimeoutMs, null)));
  try {
    const measured = await Promise.race([measuring.measure(mountPath, true, () => true), timeout]);
    return measured?.subdirectories.sort().map((name) => joinPath(mountPath, name)) ?? null;
  } catch (error) {
    if (error instanceof PlanError) return null;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
