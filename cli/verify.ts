import type { VerifyOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runVerify(_options: VerifyOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('verify: not built yet'));
}
