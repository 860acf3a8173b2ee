import type { ReplayOptions } from './command-options.js';
import { CommandError } from './errors.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

export function runReplay(_options: ReplayOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CommandError('replay: not built yet'));
}
