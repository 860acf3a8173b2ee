import type { ScanOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runPreflight(_options: ScanOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('preflight: not built yet'));
}
