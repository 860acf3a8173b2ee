import { CommanderError } from 'commander';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';

/** One clear line on stderr (and one of advice where there is some); returns the exit code. */
export function reportError(error: unknown): ExitCode {
  // Commander has printed its own line, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const hint =
    error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  process.stderr.write(`nas-scanner: ${error instanceof Error ? error.message : String(error)}\n`);
  if (hint !== undefined) process.stderr.write(`  ${hint}\n`);
  const unexpected = !(error instanceof CommandError) && hint === undefined;
  if (unexpected && process.env['NAS_SCANNER_DEBUG'] && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
  return error instanceof CommandError ? error.exitCode : EXIT.failed;
}
