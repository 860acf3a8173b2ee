import type { FileOwner } from '../../journal/storage.js';
import type { Limits } from '../engine/supervisor.js';
import type { WorkerLimits } from '../engine/port.js';
import type { WorkerTask } from '../worker/task.js';

/** All that is fixed for the run of one coordinator. */
export interface ScanSettings {
  scan: string;
  /** Absolute; also where `dataDir` lies below. */
  journalDir: string;
  dataDir: string;
  /** Whom what we write belongs to. */
  owner: FileOwner;
  mountPath: string;
  limits: WorkerLimits;
  supervision: Limits;
  retries: number;
  startTimeoutMs: number;
  healthIntervalMs: number;
  ioTimeoutMs: number;
  /** What is the same in every task. */
  task: Omit<
    WorkerTask,
    'scan' | 'writer' | 'chunk' | 'attempt' | 'roots' | 'again' | 'coordinator' | 'previous' | 'epoch'
  >;
}
