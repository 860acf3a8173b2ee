import type { DiagnoseOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runDiagnose(_options: DiagnoseOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('diagnose: not built yet'));
}
