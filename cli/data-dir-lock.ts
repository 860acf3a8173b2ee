import { ProjectionError } from '../projections/errors.js';
import { lockDataDir, type DataDirLock } from '../projections/lock.js';
import { CommandError } from './errors.js';
import { EXIT } from './exit-codes.js';

/**
 * Takes the data directory for this process alone.
 * @param hint what to do while a scan holds it
 * @throws CommandError with exit code 11 when another scan holds it
 */
export function holdDataDir(dataDir: string, hint: string): DataDirLock {
  try {
    return lockDataDir(dataDir);
  } catch (error) {
    if (!(error instanceof ProjectionError && error.code === 'locked')) throw error;
    throw new CommandError(`another scan is running in ${dataDir}`, {
      exitCode: EXIT.locked,
      hint,
      cause: error,
    });
  }
}
