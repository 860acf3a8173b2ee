import { printable } from './text.js';

const SIGNAL_BASE = 128;

/** What the exit codes of workers and container engines mean. */
const MEANINGS: Record<number, string> = {
  0: 'it ended well',
  1: 'the worker gave up; its last lines say why',
  2: 'the worker could not use its task',
  125: 'the container engine could not run it',
  126: 'its program may not be executed',
  127: 'its program is not in the image',
  134: 'it crashed (SIGABRT)',
  135: 'it crashed (SIGBUS)',
  137: 'it was killed (SIGKILL)',
  139: 'it crashed (SIGSEGV)',
  143: 'it was told to stop (SIGTERM)',
};

/** One sentence on how a worker ended. */
export function explainExit(exit: { exitCode: number | null; oomKilled: boolean; error: string }): string {
  const said = exit.error === '' ? '' : ` (${printable(exit.error)})`;
  if (exit.oomKilled) return `it was killed because it used up its memory limit${said}`;
  if (exit.exitCode === null) return `nobody can tell any more how it ended${said}`;
  const known = MEANINGS[exit.exitCode];
  if (known !== undefined) return known + said;
  if (exit.exitCode > SIGNAL_BASE) return `it was ended by signal ${exit.exitCode - SIGNAL_BASE}${said}`;
  return `it ended with code ${exit.exitCode}${said}`;
}
