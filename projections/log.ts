import type { EventType, JournalEvent } from '../journal/events/index.js';
import type { RecordHeader } from '../journal/record.js';
import { attemptLines } from './log-lines/attempts.js';
import { chunkLines } from './log-lines/chunks.js';
import { healthLines } from './log-lines/health.js';
import { scanLines } from './log-lines/scan.js';
import type { LogHandler, LogHandlers, LogLine, LogState } from './log-lines/state.js';
import { writerLines } from './log-lines/writers.js';
import { formatLocalTime } from './text.js';

export { newLogState } from './log-lines/state.js';
export type { LogLevel, LogLine, LogState } from './log-lines/state.js';

const HANDLERS: LogHandlers = {
  ...scanLines,
  ...chunkLines,
  ...attemptLines,
  ...healthLines,
  ...writerLines,
};

/**
 * What the readable log says about one event, in the order of the journal. A fold: the same records give the
 * same lines, and `state` (see newLogState) is all that is remembered between them.
 */
export function logLines(event: JournalEvent, record: Pick<RecordHeader, 'at'>, state: LogState): LogLine[] {
  const handler = HANDLERS[event.type] as LogHandler<EventType> | undefined;
  if (handler === undefined) return [];
  const lines = handler(event.data, state, Date.parse(record.at));
  return lines.map((line) => (line.level === 'INFO' ? withoutAlarm(line) : line));
}

/**
 * `grep -i error` must find trouble and nothing else, so a name or option that happens to hold the word is
 * written with one letter escaped; in a command line by a pair of empty quotes, which a shell drops again.
 */
function withoutAlarm(line: LogLine): LogLine {
  const text = line.text.replace(/(er)(r)(or)/gi, (_word, start: string, letter: string, end: string) => {
    const middle = line.isCommand === true ? `''${letter}` : `\\x${letter.charCodeAt(0).toString(16)}`;
    return start + middle + end;
  });
  return { ...line, text };
}

/** One line of the log file: `2026-11-23 18:11:02 INFO text`, local time. */
export function renderLogLine(line: LogLine, atMs: number): string {
  return `${formatLocalTime(atMs)} ${line.level} ${line.text}`;
}

/** The log's file name, from the local time of the scan's start: `smart_scan_20261123_181102.log`. */
export function logFileName(startedAtMs: number): string {
  const [day = '', time = ''] = formatLocalTime(startedAtMs).split(' ');
  return `smart_scan_${day.replaceAll('-', '')}_${time.replaceAll(':', '')}.log`;
}
