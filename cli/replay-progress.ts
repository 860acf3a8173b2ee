import type { ReplayProgress } from '../projections/runner.js';
import { formatCount, formatSeconds } from '../projections/text.js';
import type { Io } from './io.js';

/** Between two looks at the line. */
const REFRESH_MS = 200;
/** Before it says how long the rest may take. */
const ETA_AFTER_MS = 1500;

export interface ProgressLine {
  show(progress: ReplayProgress): void;
  clear(): void;
}

/** One line on a terminal's stderr: rows, rate, part done and time left. Nothing elsewhere. */
export function replayProgress(io: Io, now: () => number = () => performance.now()): ProgressLine {
  if (!io.stderrIsTty || io.quiet) return { show: () => undefined, clear: () => undefined };
  const started = now();
  let shownAt = 0;
  let shown = false;
  return {
    show: ({ rows, bytes, bytesTotal }) => {
      const at = now();
      if (at - shownAt < REFRESH_MS) return;
      shownAt = at;
      shown = true;
      const seconds = (at - started) / 1000;
      const part = bytesTotal > 0 ? Math.min(1, bytes / bytesTotal) : 1;
      const left = at - started > ETA_AFTER_MS && part > 0 ? (seconds / part) * (1 - part) : null;
      const eta = left === null ? '' : `, ${formatSeconds(left)} left`;
      const rate = formatCount(Math.round(rows / Math.max(seconds, 0.001)));
      const line = `${formatCount(rows)} rows, ${rate} a second, ${Math.floor(part * 100)} %${eta}`;
      io.err(`\r\u001b[2K${line.slice(0, Math.max(20, io.columns - 1))}`);
    },
    clear: () => {
      if (shown) io.err('\r\u001b[2K');
    },
  };
}
