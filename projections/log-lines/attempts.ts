import { isNotTried } from '../../journal/events/attempt.js';
import type { EventData } from '../../journal/events/index.js';
import { explainExit } from '../exit-text.js';
import { formatSeconds, printable } from '../text.js';
import { usage } from './health.js';
import { alarm, info, warning, type LogLine, type LogState, type LogHandlers } from './state.js';

type Requested = EventData<'container.requested'>;
type Started = EventData<'container.started'>;
type StartFailed = EventData<'container.start-failed'>;
type Exited = EventData<'container.exited'>;
type Removed = EventData<'container.removed'>;

function what(data: { chunk: number; attempt: number }): string {
  return data.chunk === 0 ? 'the pre-flight probe' : `chunk ${data.chunk}, attempt ${data.attempt}`;
}

function requested(kind: string, data: Requested): LogLine[] {
  return [
    info(`${kind} ${printable(data.name)} requested for ${what(data)}`),
    { ...info(`Command: ${printable(data.command)}`), isCommand: true },
  ];
}

function started(kind: string, data: Started, state: LogState): LogLine[] {
  if (data.chunk > 0) {
    state.attempts += 1;
    state.running.add(data.chunk);
    state.unchecked.add(data.chunk);
  }
  return [info(`${kind} ${printable(data.name)} started for ${what(data)} (id ${printable(data.id)})`)];
}

function adopted(data: Started, state: LogState): LogLine[] {
  state.running.add(data.chunk);
  state.unchecked.add(data.chunk);
  return [
    info(`Container ${printable(data.name)} of ${what(data)} outlived its coordinator and is taken over`),
  ];
}

function startFailed(kind: string, data: StartFailed, state: LogState): LogLine[] {
  if (isNotTried(data))
    return [info(`${kind} ${printable(data.name)} of ${what(data)} not started: ${printable(data.detail)}`)];
  if (data.chunk > 0) state.failedAttempts += 1;
  return [
    alarm(
      `Failed to start container ${printable(data.name)} for ${what(data)}: ` +
        `${printable(data.reason)}: ${printable(data.detail)}`,
    ),
  ];
}

/** What it used when it was last seen at work. */
function lastUsage({ lastUsage: seen }: Exited, atMs: number): string {
  if (!seen) return '';
  const ago = Math.max(0, atMs - Date.parse(seen.at)) / 1000;
  return `${usage(seen)} ${formatSeconds(ago)} before; `;
}

/** The exit and, when it was not a good one, its analysis with the last lines the worker wrote. */
function exited(kind: string, data: Exited, state: LogState, atMs: number): LogLine[] {
  state.running.delete(data.chunk);
  state.unchecked.delete(data.chunk);
  state.peakMemoryBytes = Math.max(state.peakMemoryBytes, data.lastUsage?.memoryBytes ?? 0);
  const head = `${kind} ${printable(data.name)} of ${what(data)} exited with ${data.exitCode ?? 'unknown code'}`;
  if (data.exitCode === 0 && !data.oomKilled)
    return [data.error === '' ? info(head) : warning(`${head}, but ${printable(data.error)}`)];
  const text = `${head}: ${explainExit(data)}`;
  if (state.stopping) return [info(text)];
  if (data.chunk > 0) state.failedAttempts += 1;
  const tail = data.logTail.map((line) => alarm(`  | ${printable(line)}`));
  const lead = tail.length === 0 ? 'it had written no output' : `its last ${tail.length} lines of output:`;
  const analysis = `Exit analysis of ${printable(data.name)}: ${lastUsage(data, atMs)}${lead}`;
  return [alarm(text), alarm(analysis), ...tail];
}

function removed(kind: string, data: Removed): LogLine[] {
  return [info(`${kind} ${printable(data.name)} removed`)];
}

export const attemptLines: LogHandlers = {
  'container.requested': (data) => requested('Container', data),
  'container.started': (data, state) => started('Container', data, state),
  'container.adopted': (data, state) => adopted(data, state),
  'container.start-failed': (data, state) => startFailed('Container', data, state),
  'container.exited': (data, state, atMs) => exited('Container', data, state, atMs),
  'container.removed': (data) => removed('Container', data),
  'process.requested': (data) => requested('Process', data),
  'process.started': (data, state) => started('Process', data, state),
  'process.start-failed': (data, state) => startFailed('Process', data, state),
  'process.exited': (data, state, atMs) => exited('Process', data, state, atMs),
  'process.removed': (data) => removed('Process', data),
};
