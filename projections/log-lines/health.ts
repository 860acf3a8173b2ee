import type { EventData } from '../../journal/events/index.js';
import { formatBytes, formatSeconds, plural, printable } from '../text.js';
import { alarm, info, totalFiles, warning, type LogLine, type LogState, type LogHandlers } from './state.js';

const RECENT_MS = 5 * 60_000;

export function usage(
  data: Pick<EventData<'health.checked'>, 'cpuPercent' | 'memoryBytes' | 'memoryLimitBytes'>,
): string {
  const cpu = data.cpuPercent === null ? 'CPU not known' : `CPU ${data.cpuPercent.toFixed(0)}%`;
  if (data.memoryBytes === null) return `${cpu}, memory not known`;
  const limit = data.memoryLimitBytes === null ? '' : ` of ${formatBytes(data.memoryLimitBytes)}`;
  return `${cpu}, memory ${formatBytes(data.memoryBytes)}${limit}`;
}

function host({ host: seen }: EventData<'health.checked'>): LogLine[] {
  if (seen === undefined) return [];
  const { load1, memoryFreeBytes, memoryBytes } = seen;
  return [
    info(
      `HOST: load ${load1.toFixed(1)}, ${formatBytes(memoryFreeBytes)} of ${formatBytes(memoryBytes)} of memory free`,
    ),
  ];
}

/** Once every running worker has been checked: what reached the journal, in all and in the last five minutes. */
function activity(state: LogState, atMs: number): LogLine[] {
  const files = totalFiles(state);
  state.rounds = state.rounds.filter((round) => atMs - round.atMs <= RECENT_MS);
  const before = state.rounds[0]?.files ?? 0;
  state.rounds.push({ atMs, files });
  return [
    info(
      `DATABASE ACTIVITY: ${plural(files, 'file')} written, ${plural(Math.max(0, files - before), 'file')} ` +
        `in the last five minutes`,
    ),
  ];
}

function checked(data: EventData<'health.checked'>, state: LogState, atMs: number): LogLine[] {
  if (data.chunk > 0 && !state.running.has(data.chunk)) return []; // it ended while it was looked at
  state.healthChecks += 1;
  state.peakMemoryBytes = Math.max(state.peakMemoryBytes, data.memoryBytes ?? 0);
  state.filesByChunk.set(data.chunk, Math.max(state.filesByChunk.get(data.chunk) ?? 0, data.filesRecorded));
  state.unchecked.delete(data.chunk);
  const free =
    data.journalFreeBytes === null ? '' : `, ${formatBytes(data.journalFreeBytes)} free for the journal`;
  const text =
    `HEALTH CHECK chunk ${data.chunk}, attempt ${data.attempt}: ` +
    `${data.responsive ? 'responsive' : 'DOES NOT RESPOND'}, ${usage(data)}, ` +
    `${plural(data.filesRecorded, 'file')} recorded, last progress ${formatSeconds(data.secondsSinceProgress)} ago, ` +
    `mount ${data.mountAccessible ? 'accessible' : 'NOT ACCESSIBLE'}${free}`;
  const line = !data.mountAccessible ? alarm(text) : data.responsive ? info(text) : warning(text);
  if (state.unchecked.size > 0) return [line];
  for (const chunk of state.running) state.unchecked.add(chunk);
  return [line, ...host(data), ...activity(state, atMs)];
}

export const healthLines: LogHandlers = {
  'health.checked': checked,
  'stall.detected': (data) => [
    warning(
      `STALL: chunk ${data.chunk}, attempt ${data.attempt} has recorded nothing for ` +
        `${formatSeconds(data.secondsSinceProgress)}; ${data.action === 'restart' ? 'it is started again' : 'it goes on'}`,
    ),
  ],
  'docker.lost': (data) => [alarm(`DOCKER does not answer any more: ${printable(data.detail)}`)],
  'docker.regained': (data) => [info(`DOCKER answers again after ${formatSeconds(data.seconds)}`)],
};
