import { basename } from 'node:path';
import fastGlob from 'fast-glob';
import { timeOfId } from '../journal/ids.js';
import { logFileName } from '../projections/log.js';

/** Finds the readable logs of a data directory. @returns by scan id, the absolute path, or null where it is gone */
export async function findLogs(dataDir: string): Promise<(scan: string) => string | null> {
  const paths = await fastGlob('smart_scan_*.log', { cwd: dataDir, absolute: true, deep: 1 });
  const byName = new Map(paths.map((path) => [basename(path), path]));
  return (scan) => byName.get(logFileName(timeOfId(scan))) ?? null;
}
