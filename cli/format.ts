import { formatBytes, plural } from '../projections/text.js';
import type { BigCount } from '../journal/events/index.js';

/** How far a file is that takes long to read: `41 % of 2.0 TB`. */
export function readSoFar({ bytesRead, bytesTotal }: { bytesRead: BigCount; bytesTotal: BigCount }): string {
  const percent = Math.floor((Number(bytesRead) / Math.max(1, Number(bytesTotal))) * 100);
  return `${percent} % of ${formatBytes(bytesTotal)}`;
}

/** A running clock: `0:00:07`, `12:03:44`, `3d 04:00:00`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const clock = `${String(minutes).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
  return days > 0 ? `${days}d ${String(hours).padStart(2, '0')}:${clock}` : `${hours}:${clock}`;
}

/** How long something goes on, in few characters: `7 s`, `12 min`, `3.4 h`, `2.1 d`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 5400) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} d`;
}

/** What `status` and `scans` say where the journal does not prove any more how a scan ended. */
export function missingFilesWords(missingFiles: number): string {
  const are = missingFiles === 1 ? 'is' : 'are';
  return `${plural(missingFiles, 'journal file')} ${are} missing or cut short: run nas-scanner verify`;
}
