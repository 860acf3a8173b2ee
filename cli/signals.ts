import type { Scanner } from '../src/scan/scanner.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { ErrorJson } from './json/error.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a second signal gives workers to die. */
const KILL_MS = 1000;

/** Answers the signals that stop a scan, from its first moment on. */
export class StopSignals {
  readonly #tell: (error: ErrorJson) => void;
  #scanner: Scanner | null = null;

  /** @param tell hears what to say when the process ends at once */
  constructor(tell: (error: ErrorJson) => void) {
    this.#tell = tell;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Now there is something to stop in order: the first signal does so, the second ends the process. */
  handOver(scanner: Scanner): void {
    this.#scanner = scanner;
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const scanner = this.#scanner;
    if (scanner === null) this.#end(signal, 'stopped before the scan began');
    else if (scanner.interruptedBy === null) scanner.interrupt(signal);
    else void this.#kill(scanner, scanner.interruptedBy);
  };

  /** Whoever asks twice does not wait: workers get their SIGKILL, the journal is sound as it is. */
  async #kill(scanner: Scanner, signal: NodeJS.Signals): Promise<void> {
    await Promise.race([scanner.kill(), new Promise((resolve) => setTimeout(resolve, KILL_MS))]);
    this.#end(signal, 'stopped at once by a second signal');
  }

  #end(signal: NodeJS.Signals, error: string): void {
    this.#tell({ error, hint: 'The same command again goes on where it was.' });
    process.exit(exitCodeOfSignal(signal));
  }
}

/**
 * Runs work that a signal stops in order; a second one ends the process.
 * @param what is said when it was stopped
 * @throws CommandError with the signal's exit code
 */
export async function stoppable<T>(what: string, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const stopped: NodeJS.Signals[] = [];
  const onSignal = (signal: NodeJS.Signals): void => {
    stopped.push(signal);
    stop.abort();
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  try {
    return await work(stop.signal);
  } catch (error) {
    const [by] = stopped;
    if (by === undefined) throw error;
    throw new CommandError(what, { exitCode: exitCodeOfSignal(by), cause: error });
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

export function exitCodeOfSignal(signal: NodeJS.Signals): ExitCode {
  return signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
}
