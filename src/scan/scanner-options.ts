import type { JournalEvent } from '../../journal/events/index.js';
import type { Engine } from '../engine/port.js';
import type { Plan } from './decide.js';
import type { DiskPause } from './disk-pause.js';
import type { RecordObserver } from './observer.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';

/** What planning yields: an event to journal, or a chunk. */
export type PlanningStep =
  Extract<JournalEvent, { type: 'analysis.started' | 'analysis.finished' }> | ({ type: 'chunk' } & Plan);

export interface PreflightResult {
  check: string;
  ok: boolean;
  detail: string;
  advice: string;
  /** The scan cannot begin. */
  fatal: boolean;
}

export interface ScannerOptions {
  journal: ScanJournal;
  /** null where none answers: preflight says so, and the scan ends there. */
  engine: Engine | null;
  settings: ScanSettings;
  observer: RecordObserver;
  diskPause: DiskPause;
  /** @param signal its abort ends what waits */
  preflight: (signal: AbortSignal) => AsyncIterable<PreflightResult>;
  plan: (
    idleSlots: () => number,
    signal: AbortSignal,
    directoriesListed: () => number,
  ) => AsyncIterable<PlanningStep>;
  /** Paths of a directory's subdirectories as a worker would enter them; none where it cannot be read, or once `signal` aborts. */
  listSubdirectories: (directory: Buffer, signal?: AbortSignal) => Promise<Buffer[]>;
  /** It may be asked for soon. */
  prepareListing?: () => void;
  now?: () => number;
}
