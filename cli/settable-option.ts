import { Option } from 'commander';

const OFF = new Set(['0', 'false', 'no', 'off']);

/** The variable that sets an option: `--io-timeout` is NAS_SCANNER_IO_TIMEOUT. */
function variableOf(option: Option): string {
  return `NAS_SCANNER_${(option.long ?? '').slice(2).toUpperCase().replaceAll('-', '_')}`;
}

/**
 * An option that can also be set in the environment. An empty variable counts as not set: templates and
 * compose files pass every one they know. A flag is switched off by 0, false, no or off.
 */
export function settableOption(flags: string, description: string, fallback?: string | boolean): Option {
  const option = new Option(flags, description);
  const variable = variableOf(option);
  const value = process.env[variable] ?? '';
  const isFlag = !option.required && !option.optional;
  const ignored = variable in process.env && (value === '' || (isFlag && OFF.has(value.toLowerCase())));
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

/** The values of a repeatable option; in the environment they stand in one variable, parted by commas outside `{}`. */
export function repeated(values: readonly string[] | undefined, source: string | undefined): string[] {
  if (source !== 'env') return [...(values ?? [])];
  return (values ?? []).flatMap((value) => value.split(/,(?![^{]*\})/)).filter((value) => value !== '');
}
