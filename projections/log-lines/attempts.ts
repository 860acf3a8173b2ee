import type { EventData } from '../../journal/events/index.js';
import { explainExit } from '../exit-text.js';
import { printable } from '../text.js';
import { alarm, info, type LogLine, type LogState, type LogHandlers } from './state.js';

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

function startFailed(data: StartFailed, state: LogState): LogLine[] {
  if (data.chunk > 0) state.failedAttempts += 1;
  return [
    alarm(
      `Failed to start container ${printable(data.name)} for ${what(data)}: ` +
        `${printable(data.reason)}: ${printable(data.detail)}`,
    ),
  ];
}

/** The exit and, when it was not a good one, its analysis with the last lines the worker wrote. */
function exited(kind: string, data: Exited, state: LogState): LogLine[] {
  state.running.delete(data.chunk);
  state.unchecked.delete(data.chunk);
  const head = `${kind} ${printable(data.name)} of ${what(data)} exited with ${data.exitCode ?? 'unknown code'}`;
  if (data.exitCode === 0 && !data.oomKilled) return [info(head)];
  const text = `${head}: ${explainExit(data)}`;
  if (state.stopping) return [info(text)];
  if (data.chunk > 0) state.failedAttempts += 1;
  const tail = data.logTail.map((line) => alarm(`  | ${printable(line)}`));
  const lead = tail.length === 0 ? 'it had written no output' : `its last ${tail.length} lines of output:`;
  return [alarm(text), alarm(`Exit analysis of ${printable(data.name)}: ${lead}`), ...tail];
}

function removed(kind: string, data: Removed): LogLine[] {
  return [info(`${kind} ${printable(data.name)} removed`)];
}

export const attemptLines: LogHandlers = {
  'container.requested': (data) => requested('Container', data),
  'container.started': (data, state) => started('Container', data, state),
  'container.start-failed': (data, state) => startFailed(data, state),
  'container.exited': (data, state) => exited('Container', data, state),
  'container.removed': (data) => removed('Container', data),
  'process.requested': (data) => requested('Process', data),
  'process.started': (data, state) => started('Process', data, state),
  'process.start-failed': (data, state) => startFailed(data, state),
  'process.exited': (data, state) => exited('Process', data, state),
  'process.removed': (data) => removed('Process', data),
};
