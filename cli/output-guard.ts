import { EXIT } from './exit-codes.js';
import { reportError } from './report-error.js';

let gone = false;

/** Whether nobody reads stdout any more. */
export function isOutputGone(): boolean {
  return gone;
}

/**
 * Output that cannot be delivered ends nothing: a scan of many hours must not die with the pipe its lines went into.
 * A reader who has seen enough (`| head -1`) is no trouble; a place that is full is, and makes success a failure.
 * @param wantsJson see reportError
 */
export function guardOutput(wantsJson: boolean): void {
  let failed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    gone = true;
    if (error.code === 'EPIPE' || failed) return;
    failed = true;
    process.stderr.write(`nas-scanner: the output cannot be written: ${error.message}\n`);
  });
  process.stderr.on('error', () => {
    // There is nowhere left to say it, and the log and the journal hold what counts.
  });
  process.on('exit', (code) => {
    if (failed && code === EXIT.done) process.exitCode = EXIT.failed;
  });
  // What no one foresaw is told in a line too; NAS_SCANNER_DEBUG shows its stack.
  process.on('uncaughtException', (error) => {
    process.exit(reportError(error, wantsJson));
  });
}
