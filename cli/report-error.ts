import { CommanderError } from 'commander';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { ErrorJson } from './json/error.js';

/**
 * One clear line on stderr (and one of advice where there is some); returns the exit code.
 * @param wantsJson stdout gets its one object all the same: {error, hint?}
 */
export function reportError(error: unknown, wantsJson: boolean): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  const hint =
    error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  // Commander has printed its own line, or the help that was asked for.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  if (wantsJson) process.stdout.write(`${JSON.stringify({ error: message, hint } satisfies ErrorJson)}\n`);
  if (error instanceof CommanderError) return EXIT.usage;
  process.stderr.write(`nas-scanner: ${message}\n`);
  if (hint !== undefined) process.stderr.write(`  ${hint}\n`);
  const unexpected = !(error instanceof CommandError) && hint === undefined;
  if (unexpected && process.env['NAS_SCANNER_DEBUG'] && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
  return error instanceof CommandError ? error.exitCode : EXIT.failed;
}
