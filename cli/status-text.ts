import type { StatusSnapshot, WorkerStatus } from '../projections/status.js';
import {
  displayPath,
  formatBytes,
  formatCount,
  formatLocalTime,
  formatSeconds,
  plural,
  printable,
} from '../projections/text.js';
import { columnsOf, cutEnd, cutStart } from './columns.js';
import { formatAge, missingFilesWords, readSoFar } from './format.js';
import type { FedStatus } from './status-feed.js';
import { paint } from './paint.js';
import { wrap } from './wrap.js';

/** Workers that get a line. */
const WORKERS_SHOWN_MAX = 10;
/** Silence that is worth a word. */
const QUIET_S = 10;
const PROBLEMS_SHOWN_MAX = 3;
const PAUSE_LINES_MAX = 4;

const STATES: Record<StatusSnapshot['state'], string> = {
  running: 'RUNNING',
  paused: 'PAUSED',
  interrupted: 'STOPPED: the same scan started again goes on',
  killed: 'KILLED: the same scan started again goes on',
  complete: 'COMPLETE',
  'complete-with-problems': 'COMPLETE, but some entries could not be read',
  incomplete: 'INCOMPLETE: see nas-scanner diagnose',
  none: 'There is no scan in this journal yet.',
};

/** One screen of at most 24 lines of `columns` characters each. */
export function renderStatus(status: FedStatus, options: { columns: number; colour: boolean }): string[] {
  const width = Math.max(40, options.columns);
  const colours = paint(options.colour);
  if (status.scan === null) return [STATES.none, '  nas-scanner scan PATH NAME begins one.'];
  const colour =
    status.state === 'complete' && status.missingFiles === 0
      ? colours.good
      : status.endedAtMs === null
        ? colours.plain
        : colours.warn;
  const lines = [
    cutEnd(nameWords(status), width),
    ...wrap(stateWords(status), width).split('\n').map(colour),
    ...pauseLines(status, width),
    cutEnd(
      `began ${formatLocalTime(status.startedAtMs)}, ${formatSeconds(status.seconds)}${progressWords(status)}`,
      width,
    ),
    cutEnd(
      `${plural(status.files, 'file')}, ${formatBytes(status.bytes)}, ${formatCount(Math.round(status.filesPerSecond))} files/s`,
      width,
    ),
    cutEnd(chunkWords(status), width),
  ];
  if (status.endedAtMs === null)
    lines.push(cutEnd(remainingWords(status), width), ...workerLines(status, width));
  if (status.problems > 0) lines.push(...problemLines(status, width));
  if (status.journalFreeBytes !== null && status.endedAtMs === null) {
    lines.push(cutEnd(`${formatBytes(status.journalFreeBytes)} free for the journal`, width));
  }
  return lines;
}

function nameWords({ mountName, mountPath, missingFiles }: FedStatus): string {
  if (mountPath === null) return missingFiles > 0 ? '(name lost)  (path lost)' : '';
  return `${printable(mountName)}  ${displayPath(mountPath)}`;
}

function stateWords({ state, problems, files, missingFiles }: FedStatus): string {
  const missing = missingFilesWords(missingFiles);
  if (state === 'complete' && missingFiles > 0) return `${STATES.complete}, but ${missing}`;
  if (missingFiles > 0) return `${STATES[state]}; ${missing}`;
  if (state === 'complete-with-problems' && problems === 0 && files === 0)
    return 'COMPLETE, but without any file';
  return STATES[state];
}

function pauseLines({ pausedBecause }: StatusSnapshot, width: number): string[] {
  if (pausedBecause === null) return [];
  const lines = wrap(`because ${printable(pausedBecause)}`, width, '  ').split('\n');
  return lines.slice(0, PAUSE_LINES_MAX).map((line) => cutEnd(line, width));
}

function progressWords(status: StatusSnapshot): string {
  if (status.endedAtMs !== null && status.state !== 'killed' && status.state !== 'interrupted') return '';
  return `, last progress ${formatSeconds(status.secondsSinceProgress)} ago`;
}

function chunkWords({ chunks }: StatusSnapshot): string {
  const failed = chunks.failed > 0 ? `, ${chunks.failed} failed` : '';
  const running = chunks.running > 0 ? `, ${chunks.running} running` : '';
  return `chunks: ${chunks.completed} of ${chunks.planned} complete${running}${failed}`;
}

/** An estimate says how sure it is, or that there is none. */
function remainingWords({ remaining }: StatusSnapshot): string {
  const { secondsLow, secondsHigh, files, atLeast } = remaining;
  if (secondsLow === null)
    return atLeast ? 'left: not known yet (sizes are still being measured)' : 'left: not known yet';
  const what = `${atLeast ? 'at least ' : 'about '}${plural(files, 'file')}`;
  if (secondsHigh === null) return `left: ${what}, at least ${formatSeconds(secondsLow)}`;
  return `left: ${what}, ${formatSeconds(secondsLow)} to ${formatSeconds(secondsHigh)}`;
}

/** Columns before the directory: what they are called, and how wide they are. */
const COLUMNS: readonly [name: string, width: number][] = [
  ['chunk', 7],
  ['files', 11],
  ['files/s', 8],
  ['CPU', 6],
  ['memory', 9],
  ['age', 8],
];

function row(cells: readonly string[], last: string): string {
  return `${COLUMNS.map(([, width], at) => (cells[at] ?? '').padStart(width)).join('')}  ${last}`;
}

function workerLines(status: StatusSnapshot, width: number): string[] {
  if (status.workers.length === 0) return [];
  const nowMs = status.startedAtMs + status.seconds * 1000;
  const names = COLUMNS.map(([name]) => name);
  const lines = [
    cutEnd(row(names, 'directory'), width),
    ...status.workers
      .slice(0, WORKERS_SHOWN_MAX)
      .map((worker) => workerLine(worker, nowMs, width, status.mountPath)),
  ];
  const more = status.workers.length - WORKERS_SHOWN_MAX;
  return more > 0 ? [...lines, `  and ${plural(more, 'more worker')}`] : lines;
}

function workerLine(
  worker: WorkerStatus,
  nowMs: number,
  width: number,
  mountPath: StatusSnapshot['mountPath'],
): string {
  const { cpuPercent, memoryBytes, filesPerSecond } = worker;
  const cells = row(
    [
      String(worker.chunk),
      formatCount(worker.files),
      formatCount(Math.round(filesPerSecond)),
      cpuPercent === null ? '-' : `${Math.round(cpuPercent)}%`,
      memoryBytes === null ? '-' : formatBytes(memoryBytes),
      formatAge(worker.seconds),
    ],
    '',
  );
  const quiet = (nowMs - worker.progressAtMs) / 1000;
  const read = worker.reading === null ? '' : `  ${readSoFar(worker.reading)}`;
  const silence = !worker.responsive ? '  NO ANSWER' : quiet >= QUIET_S ? `  quiet ${formatAge(quiet)}` : '';
  const at = worker.reading?.path ?? worker.directory;
  const path = at === null ? 'starting' : displayPath(at);
  const mount = mountPath === null ? '' : `${displayPath(mountPath)}/`;
  const below = path.startsWith(mount) ? path.slice(mount.length) : path;
  const room = Math.max(8, width - columnsOf(`${cells}${read}${silence}`));
  return cutEnd(`${cells}${cutStart(below, room)}${read}${silence}`, width);
}

function problemLines(status: StatusSnapshot, width: number): string[] {
  const shown = status.recentProblems.slice(-PROBLEMS_SHOWN_MAX).map(({ path, name, operation, code }) => {
    const where = name === '' ? displayPath(path) : `${displayPath(path)}/${displayPath(name)}`;
    const words = ` ${operation} ${code}`;
    return `  ${cutStart(where, Math.max(8, width - columnsOf(words) - 2))}${words}`;
  });
  return [cutEnd(`${plural(status.problems, 'entry', 'entries')} could not be read`, width), ...shown];
}
