import type { ScanOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runScan(_options: ScanOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('scan: not built yet'));
}
