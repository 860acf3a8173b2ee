import type { CommonOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runMonitor(_options: CommonOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('monitor: not built yet'));
}
