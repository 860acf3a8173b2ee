import { Option, type Command } from 'commander';
import { JournalError } from '../journal/errors.js';
import { ownerFromEnvironment } from '../journal/owner.js';
import { usageError } from './errors.js';

const OFF = new Set(['0', 'false', 'no', 'off']);
const ON = new Set(['1', 'true', 'yes', 'on']);

/** The variable that sets an option: `--io-timeout` is NAS_SCANNER_IO_TIMEOUT. */
function variableOf({ long }: { long?: string | undefined }): string {
  return `NAS_SCANNER_${(long ?? '').slice(2).toUpperCase().replaceAll('-', '_')}`;
}

/** Whether the environment switches a flag on. */
export function isSwitchedOn(long: string): boolean {
  return ON.has((process.env[variableOf({ long })] ?? '').toLowerCase());
}

/**
 * What holds for the values of every option: an empty one was surely meant to be something (`--data-dir "$UNSET"`
 * must not fall back to the default), and a flag in the environment is a yes or a no.
 * @throws CommandError with exit code 2
 */
export function checkValues(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const value: unknown = command.getOptionValue(name);
    const source = command.getOptionValueSource(name);
    if (source === 'cli' && (value === '' || (Array.isArray(value) && value.includes('')))) {
      throw usageError(`${option.long ?? name} must not be empty`);
    }
    const text = process.env[variableOf(option)] ?? '';
    if (source === 'env' && isFlag(option) && !ON.has(text.toLowerCase())) {
      throw usageError(`${variableOf(option)}=${text} makes no sense: it takes 1 or 0, yes or no`);
    }
  }
}

/**
 * What the environment says of owner and mode holds for whatever a command writes: it must mean something before any begins.
 * @throws CommandError with exit code 2
 */
export function checkOwner(): void {
  try {
    ownerFromEnvironment();
  } catch (error) {
    throw error instanceof JournalError ? usageError(error.message) : error;
  }
}

function isFlag(option: Option): boolean {
  return !option.required && !option.optional;
}

/**
 * An option that can also be set in the environment. An empty variable counts as not set: templates and
 * compose files pass every one they know. A flag is switched off by 0, false, no or off.
 */
export function settableOption(flags: string, description: string, fallback?: string | boolean): Option {
  const option = new Option(flags, description);
  const variable = variableOf(option);
  const value = process.env[variable] ?? '';
  const ignored =
    variable in process.env && (value === '' || (isFlag(option) && OFF.has(value.toLowerCase())));
  if (!ignored) option.env(variable);
  return fallback === undefined ? option : option.default(fallback);
}

/** What help says of an option: its choices and default. That the environment sets it too is said once, below. */
export function describeOption(option: Option): string {
  const notes = [
    ...(option.argChoices ? [option.argChoices.join('|')] : []),
    ...(typeof option.defaultValue === 'string' ? [`default: ${option.defaultValue}`] : []),
  ];
  return notes.length === 0 ? option.description : `${option.description} (${notes.join('; ')})`;
}

/** An option's value as its user gave it, for a message: `--workers 0`, or `NAS_SCANNER_WORKERS=0`. */
export function asGiven(command: Command, long: string, text: string): string {
  const option = command.options.find((each) => each.long === long);
  const isSet = option !== undefined && command.getOptionValueSource(option.attributeName()) === 'env';
  return isSet ? `${variableOf(option)}=${text}` : `${long} ${text}`;
}

/**
 * The values of a repeatable option.
 * @param split parts those that stand in one variable of the environment
 */
export function repeated(
  values: readonly string[] | undefined,
  source: string | undefined,
  split: (list: string) => string[],
): string[] {
  if (source !== 'env') return [...(values ?? [])];
  return (values ?? []).flatMap(split).filter((value) => value !== '');
}
