import type { RepairOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runRepair(_options: RepairOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('repair: not built yet'));
}
