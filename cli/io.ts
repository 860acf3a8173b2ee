import { isatty } from 'node:tty';

/** Where a command speaks to its user. With `--json` stdout carries one object and nothing else. */
export interface Io {
  /** Human text for stdout; dropped with `--json`. Ends with a newline of its own. */
  out(text: string): void;
  /** Human text for stderr. */
  err(text: string): void;
  /** The one object of `--json`; ignored without it, as is any after the first. */
  json(value: unknown): void;
  readonly wantsJson: boolean;
  readonly quiet: boolean;
  /** Whether `out` reaches a terminal. */
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  readonly columns: number;
  readonly colour: boolean;
}

const COLUMNS_DEFAULT = 80;

export function createIo(options: { json: boolean; quiet: boolean }): Io {
  let told = false;
  return {
    out: (text) => {
      if (!options.json) process.stdout.write(text);
    },
    err: (text) => {
      process.stderr.write(text);
    },
    json: (value) => {
      if (!options.json || told) return;
      told = true;
      process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    wantsJson: options.json,
    quiet: options.quiet,
    stdoutIsTty: isatty(1) && !options.json,
    stderrIsTty: isatty(2),
    columns: process.stdout.columns || COLUMNS_DEFAULT,
    colour: isatty(1) && !options.json && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
  };
}
