import type { Attempt } from '../src/scan/attempt.js';
import { addTotals, chunkCounts, totalsOf, type ScanState, type Totals } from '../src/scan/state.js';
import { displayPath, formatBytes, formatCount, plural, printable } from '../projections/text.js';
import { cutEnd, cutStart, padEnd } from './columns.js';
import { formatClock, readSoFar } from './format.js';
import type { Io } from './io.js';
import { wrap } from './wrap.js';

const REFRESH_MS = 250;
const PLAIN_EVERY_MS = 10_000;
/** Workers shown at most: the block must fit 24 lines. */
const WORKER_LINES_MAX = 12;
/** A pause and what to do about it: more than that is a path nobody reads to its end. */
const PAUSE_LINES_MAX = 4;
/** The rate is that of the last seconds, so that a stall shows. */
const RATE_WINDOW_MS = 10_000;

/** What the view asks the scan for. */
export interface ScanView {
  mountPath: string;
  state(): ScanState;
  attempts(): readonly Attempt[];
  /** What chunks hold that did not complete, whether a worker is at them or not. */
  partialTotals(): Totals;
  /** Files of the last finished scan of this mount; null on a first scan, which has no honest ETA. */
  filesBefore: number | null;
  /** What the scan waits for when all is found; null while it does not. */
  awaited(): string | null;
}

/** Shows a running scan: one live block on a terminal, a plain line now and then elsewhere. */
export class ScanDisplay {
  readonly #io: Io;
  readonly #view: ScanView;
  readonly #startedAtMs = Date.now();
  readonly #samples: { atMs: number; files: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #shown = 0;

  constructor(io: Io, view: ScanView) {
    this.#io = io;
    this.#view = view;
  }

  /** Whether a live block is on the screen. */
  get live(): boolean {
    return this.#io.stderrIsTty && !this.#io.quiet;
  }

  start(): void {
    if (this.#io.quiet) return;
    const show = this.live
      ? () => {
          this.#draw();
        }
      : () => {
          this.#line();
        };
    this.#timer = setInterval(show, this.live ? REFRESH_MS : PLAIN_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  /** Prints a line above the block. */
  note(text: string): void {
    this.#clear();
    this.#io.err(`${text}\n`);
  }

  #clear(): void {
    if (this.#shown > 0) this.#io.err(`\u001b[${this.#shown}A\r\u001b[J`);
    this.#shown = 0;
  }

  #draw(): void {
    const lines = this.#lines(process.stderr.columns || this.#io.columns);
    this.#clear();
    this.#io.err(`${lines.join('\n')}\n`);
    this.#shown = lines.length;
  }

  #totals(): Totals {
    return addTotals(totalsOf(this.#view.state()), this.#view.partialTotals());
  }

  #rate(files: number): number {
    const nowMs = Date.now();
    this.#samples.push({ atMs: nowMs, files });
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? 0) > RATE_WINDOW_MS)
      this.#samples.shift();
    const first = this.#samples[0] ?? { atMs: nowMs, files };
    const seconds = (nowMs - first.atMs) / 1000;
    // A directory that is listed anew can hold less than before.
    return seconds > 0 ? Math.max(0, Math.round((files - first.files) / seconds)) : 0;
  }

  #summary(): string {
    const totals = this.#totals();
    const chunks = chunkCounts(this.#view.state());
    const more = this.#view.state().planned ? '' : ', still planning';
    const eta = this.#remaining(totals.files);
    const problems = totals.problems > 0 ? `  ${formatCount(totals.problems)} problems` : '';
    return (
      `${plural(totals.files, 'file')}  ${formatBytes(totals.bytes)}  ${formatCount(this.#rate(totals.files))} files/s  ` +
      `chunks ${chunks.completed} of ${chunks.planned}${more}${problems}${eta}`
    );
  }

  /** What is left by the number of files the last scan found. */
  #remaining(files: number): string {
    const { filesBefore } = this.#view;
    const seconds = (Date.now() - this.#startedAtMs) / 1000;
    if (filesBefore === null || files === 0 || files >= filesBefore) return '';
    return `  about ${formatClock((seconds * (filesBefore - files)) / files)} left`;
  }

  #elapsed(): string {
    return formatClock((Date.now() - this.#startedAtMs) / 1000);
  }

  #line(): void {
    const paused = this.#view.state().pausedBecause === null ? '' : 'PAUSED  ';
    const awaited = this.#view.awaited();
    const text = awaited === null ? this.#summary() : `the catalog ${awaited}`;
    this.#io.err(`${this.#elapsed()}  ${paused}${text}\n`);
  }

  #lines(columns: number): string[] {
    const width = Math.max(20, columns - 1);
    const title = `Scanning ${printable(this.#view.mountPath)}`;
    const elapsed = this.#elapsed();
    const head = cutStart(title, width - elapsed.length - 1);
    const lines = [
      `${padEnd(head, width - elapsed.length)}${elapsed}`,
      cutEnd(`  ${this.#summary()}`, width),
      ...this.#pauseLines(width),
      ...this.#awaitedLines(width),
    ];
    const attempts = this.#view.attempts();
    for (const attempt of attempts.slice(0, WORKER_LINES_MAX)) lines.push(this.#workerLine(attempt, width));
    const hidden = attempts.length - WORKER_LINES_MAX;
    if (hidden > 0) lines.push(`  and ${plural(hidden, 'more worker')}`);
    return lines;
  }

  #pauseLines(width: number): string[] {
    const { pausedBecause } = this.#view.state();
    if (pausedBecause === null) return [];
    const lines = wrap(`PAUSED: ${printable(pausedBecause)}`, width, '  ').split('\n');
    return lines.slice(0, PAUSE_LINES_MAX).map((line) => cutEnd(line, width));
  }

  #awaitedLines(width: number): string[] {
    const awaited = this.#view.awaited();
    return awaited === null ? [] : [cutEnd(`  The catalog ${awaited}`, width)];
  }

  #workerLine(attempt: Attempt, width: number): string {
    const { ledger, lastDirectory, reading, writer } = attempt.progress;
    const left = `  ${writer}  `;
    const silent =
      attempt.secondsSinceProgress >= 10 ? `  quiet for ${formatClock(attempt.secondsSinceProgress)}` : '';
    const read = reading === null ? '' : `  ${readSoFar(reading)}`;
    const right = `${read}  ${plural(ledger.totals.files, 'file')}${silent}`;
    const path = reading?.path ?? lastDirectory;
    const at = path === null ? 'starting' : this.#below(displayPath(path));
    const room = Math.max(8, width - left.length - right.length);
    return cutEnd(`${left}${padEnd(cutStart(at, room), room)}${right}`, width);
  }

  /** A path as the mount's owner thinks of it: from the mount on. */
  #below(path: string): string {
    const { mountPath } = this.#view;
    return path.startsWith(`${mountPath}/`) ? path.slice(mountPath.length + 1) : path;
  }
}
