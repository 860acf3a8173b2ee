import { CommanderError } from 'commander';
import { printable } from '../projections/text.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { ErrorJson } from './json/error.js';

/** Behind some of its messages Commander puts a guess at what was meant. */
const GUESS = /\n(\(Did you mean [^\n]*\))\n*$/;

interface Said {
  /** One line, safe to print. */
  message: string;
  hint: string | undefined;
}

/** What Commander says, as one line and a guess. */
export function commanderSays(text: string): Said {
  return { message: printable(text.replace(GUESS, '').trimEnd()), hint: GUESS.exec(text)?.[1] };
}

function saidOf(error: unknown): Said {
  // It has printed its help instead.
  if (error instanceof CommanderError && error.code === 'commander.help') {
    return { message: 'no command, or none that there is', hint: 'nas-scanner --help shows them' };
  }
  if (error instanceof CommanderError) return commanderSays(error.message);
  const hint = error instanceof Error && 'hint' in error ? error.hint : undefined;
  return {
    message: printable(error instanceof Error ? error.message : String(error)),
    hint: typeof hint === 'string' ? printable(hint) : undefined,
  };
}

/**
 * One clear line on stderr (and one of advice where there is some); returns the exit code.
 * @param wantsJson stdout gets its one object all the same: {error, hint?}
 */
export function reportError(error: unknown, wantsJson: boolean): ExitCode {
  // Commander has printed its own line, or the help that was asked for.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  const { message, hint } = saidOf(error);
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
