import type { EventData } from '../../journal/events/index.js';
import { displayPath, formatBytes, formatCount, formatSeconds, plural, printable } from '../text.js';
import { alarm, info, warning, type LogLine, type LogState, type LogHandlers } from './state.js';

const MS = 1000;

/** Options as `name=value`, in the order they stand in the journal. */
function optionsText(options: Record<string, unknown>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

/** What the catalog does while the scan's end waits for it. @param bytesLeft of the journal; null: not known */
export function catalogAwaited(bytesLeft: number | null): string {
  const left = bytesLeft === null ? '' : `: ${formatBytes(bytesLeft)}`;
  return `takes in what is left of the journal${left}`;
}

function hostText(host: EventData<'scan.started'>['host']): string {
  return `${host.hostname}, ${host.cpus} CPUs, ${formatBytes(host.memoryBytes)} of memory, boot ${host.bootId}`;
}

/** What the whole scan came to: the last lines of its log. */
function statistics(data: EventData<'scan.completed'>, state: LogState, atMs: number): LogLine[] {
  return [
    info(
      `Statistics: ${plural(data.files, 'file')} in ${plural(data.directories, 'directory', 'directories')}`,
    ),
    info(`Statistics: ${formatBytes(data.bytes)} (${formatCount(data.bytes)} bytes)`),
    info(`Statistics: ${paceText(data.files, state, atMs)}`),
    info(
      `Statistics: chunks ${data.chunks.planned} planned, ${data.chunks.completed} completed, ` +
        `${data.chunks.failed} failed; ${plural(state.attempts, 'worker')} started, ${state.failedAttempts} ended badly`,
    ),
    info(
      `Statistics: ${plural(state.healthChecks, 'health check')}, highest memory of a worker ` +
        (state.peakMemoryBytes > 0 ? formatBytes(state.peakMemoryBytes) : 'not measured'),
    ),
    info(`Statistics: ${plural(data.problems, 'entry', 'entries')} that could not be read`),
  ];
}

/** A resumed scan's files are those of all its runs, of which this log may have seen the last one only. */
function paceText(files: number, { startedAtMs, resumedAtMs }: LogState, atMs: number): string {
  const seconds = Math.max(0, (atMs - (startedAtMs ?? resumedAtMs ?? atMs)) / MS);
  if (startedAtMs === null) return `${formatSeconds(seconds)} since it was taken up again`;
  const rate = seconds > 0 ? Math.round(files / seconds) : files;
  return `${formatSeconds(seconds)}, ${formatCount(rate)} files per second`;
}

function completed(data: EventData<'scan.completed'>, state: LogState, atMs: number): LogLine[] {
  const lines = statistics(data, state, atMs);
  switch (data.outcome) {
    case 'complete':
      return [...lines, info('SMART SCAN COMPLETE')];
    case 'complete-with-problems':
      return [
        ...lines,
        warning(
          data.files === 0
            ? 'SMART SCAN ENDED WITH PROBLEMS: not one file was found'
            : `SMART SCAN ENDED WITH PROBLEMS: ${plural(data.problems, 'entry', 'entries')} could not be read`,
        ),
      ];
    case 'incomplete':
      return [
        ...lines,
        alarm(
          state.paused
            ? 'SMART SCAN INCOMPLETE: the disk of the data directory stayed full: free some room there, then start the same scan again'
            : 'SMART SCAN INCOMPLETE: see `nas-scanner diagnose`, then start the same scan again',
        ),
      ];
  }
}

export const scanLines: LogHandlers = {
  'scan.started': (data, state, atMs) => {
    state.mountPath = displayPath(data.mountPath);
    state.startedAtMs = atMs;
    return [
      info(`SMART SCAN START of ${state.mountPath} as ${printable(data.mountName)}`),
      info(`Host: ${printable(hostText(data.host))}`),
      info(`Engine: ${data.engine === 'docker' ? 'Docker containers' : 'processes of this host'}`),
      info(`Options: ${printable(optionsText(data.options))}`),
    ];
  },
  'scan.resumed': (data, state, atMs) => {
    state.resumedAtMs = atMs;
    state.stopping = false;
    state.paused = false;
    state.running.clear();
    state.unchecked.clear();
    return [
      info(`SMART SCAN RESUMED: ${printable(data.reason)}`),
      info(`Host: ${printable(hostText(data.host))}`),
    ];
  },
  'scan.paused': (data, state) => {
    state.paused = true;
    return [warning(`SCAN PAUSED: ${printable(data.reason)}`)];
  },
  'scan.continued': (data, state) => {
    state.paused = false;
    return [info(`SCAN CONTINUED: ${printable(data.reason)}`)];
  },
  'scan.interrupted': (data, state) => {
    state.stopping = true;
    return [
      warning(
        `SCAN INTERRUPTED by ${printable(data.signal)}: what is recorded so far stays; start it again to go on`,
      ),
    ];
  },
  'preflight.checked': (data) => {
    const outcome = data.ok ? 'ok' : 'FAILED';
    const text = `PRE-FLIGHT ${printable(data.check)}: ${outcome}: ${printable(data.detail)}`;
    if (data.advice === '') return [data.ok ? info(text) : alarm(text)];
    const toDo = `${text}. To do: ${printable(data.advice)}`;
    return [data.ok ? warning(toDo) : alarm(toDo)];
  },
  'catalog.opened': (data) => [
    info(
      `DATABASE opened, journal mode ${printable(data.mode)}${data.reason === '' ? '' : `: ${printable(data.reason)}`}`,
    ),
  ],
  'catalog.troubled': (data) => [
    warning(
      `DATABASE cannot follow (${data.code}): ${printable(data.detail)}; the scan goes on, the journal keeps everything`,
    ),
  ],
  'catalog.recovered': () => [info('DATABASE follows again')],
  'catalog.awaited': ({ bytesLeft }) => [info(`DATABASE ${catalogAwaited(bytesLeft)}`)],
  'scan.completed': completed,
};
