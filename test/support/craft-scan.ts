import { CraftedScan, type CraftedWriter } from './craft.js';

export const MOUNT = '/mnt/user/Archive';
export const HOST = { hostname: 'tower', bootId: 'boot-1', cpus: 4, memoryBytes: 8_589_934_592 };

/** How one attempt at one chunk ends. */
export interface Ending {
  exitCode: number | null;
  oomKilled?: boolean;
  error?: string;
  logTail?: string[];
  lastUsage?: { at: string; cpuPercent: number; memoryBytes: number; memoryLimitBytes: number };
  /** Without a word of `chunk.failed`: the coordinator died first. */
  silent?: boolean;
  willRetry?: boolean;
}

const OPTIONS = { checksum: 'none', maxContainers: 8, startTimeoutMs: 300_000 };

/** A scan as a coordinator and its workers would journal it, told step by step. */
export class ScanStory {
  readonly scan: CraftedScan;
  readonly coordinator: CraftedWriter;
  /** Of each container. */
  memoryLimitBytes = 150_000_000;
  readonly #subject: 'container' | 'process';
  readonly #epochs = new Map<number, { epoch: number; previous: Record<string, unknown> | null }>();
  #totals = { files: 0, directories: 0, bytes: 0, problems: 0 };
  readonly #chunks = { planned: 0, completed: 0, failed: 0 };

  constructor(journal: string, engine: 'docker' | 'process' = 'docker', startMs?: number) {
    this.scan = new CraftedScan(journal, startMs);
    this.#subject = engine === 'docker' ? 'container' : 'process';
    this.coordinator = this.scan.writer('coordinator').open();
    this.coordinator.append('scan.started', {
      ...{ mountPath: MOUNT, mountName: 'Archive', engine, options: OPTIONS, host: HOST },
    });
  }

  plan(count: number): this {
    for (let chunk = 1; chunk <= count; chunk++) {
      this.#chunks.planned += 1;
      const roots = [
        { path: chunk === 1 ? MOUNT : `${MOUNT}/dir-${chunk}`, scope: chunk === 1 ? 'files' : 'subtree' },
      ];
      this.coordinator.append('chunk.planned', {
        chunk,
        roots,
        reason: 'sized',
        estimatedFiles: 2,
        estimatedBytes: 3,
      });
    }
    return this;
  }

  request(chunk: number, attempt = 1): this {
    const image = this.#subject === 'container' ? 'nas-scanner-hp:latest' : null;
    const command = `docker run --name ${name(chunk, attempt)} --memory ${this.memoryLimitBytes} nas-scanner-hp:latest worker`;
    this.coordinator.append(`${this.#subject}.requested`, {
      chunk,
      attempt,
      name: name(chunk, attempt),
      image,
      command,
    });
    return this;
  }

  startFails(chunk: number, attempt: number, reason: string, detail: string, willRetry = false): this {
    this.request(chunk, attempt);
    this.coordinator.append(`${this.#subject}.start-failed`, {
      chunk,
      attempt,
      name: name(chunk, attempt),
      reason,
      detail,
    });
    return this.fail(chunk, attempt, detail, willRetry);
  }

  start(chunk: number, attempt = 1): this {
    this.request(chunk, attempt);
    this.coordinator.append(`${this.#subject}.started`, {
      chunk,
      attempt,
      name: name(chunk, attempt),
      id: id(chunk, attempt),
    });
    return this;
  }

  fail(chunk: number, attempt: number, reason: string, willRetry: boolean): this {
    this.coordinator.append('chunk.failed', { chunk, attempt, reason, willRetry });
    if (!willRetry) this.#chunks.failed += 1;
    return this;
  }

  /** An attempt that listed its directory and ended well. `subdirectories` beyond those of other chunks make a gap. */
  completes(chunk: number, attempt = 1, options: { subdirectories?: number } = {}): this {
    this.start(chunk, attempt);
    const writer = this.#open(chunk);
    writer.append('files.batch', {
      chunk,
      attempt,
      columns: ['name', 'size', 'mtimeNs'],
      directories: [listing(chunk, this.#chunks.planned, options.subdirectories)],
    });
    writer
      .append('chunk.scanned', { chunk, attempt, files: 2, directories: 1, bytes: 3, problems: 0 })
      .seal();
    this.#exited(chunk, attempt, { exitCode: 0 });
    this.coordinator.append('writer.progressed', writer.position());
    this.coordinator.append('chunk.completed', {
      chunk,
      attempt,
      files: 2,
      directories: 1,
      bytes: 3,
      problems: 0,
    });
    this.#chunks.completed += 1;
    this.#totals = {
      files: this.#totals.files + 2,
      directories: this.#totals.directories + 1,
      bytes: this.#totals.bytes + 3,
      problems: 0,
    };
    return this;
  }

  /** An attempt that ended badly, with nothing recorded but its opening. */
  dies(chunk: number, attempt: number, ending: Ending): this {
    this.start(chunk, attempt);
    const writer = this.#open(chunk);
    this.#epochs.set(chunk, { epoch: this.#epochs.get(chunk)?.epoch ?? 1, previous: writer.reference() });
    if (ending.silent === true) return this;
    this.#exited(chunk, attempt, ending);
    this.coordinator.append('writer.settled', writer.position());
    return this.fail(
      chunk,
      attempt,
      `ended with ${ending.exitCode ?? 'nobody knows what'}`,
      ending.willRetry === true,
    );
  }

  /** The coordinator's last words. */
  ends(outcome: 'complete' | 'complete-with-problems' | 'incomplete'): this {
    this.coordinator.append('scan.completed', { outcome, ...this.#totals, chunks: this.#chunks }).seal();
    return this;
  }

  #open(chunk: number): CraftedWriter {
    const before = this.#epochs.get(chunk);
    const epoch = (before?.epoch ?? 0) + 1;
    this.#epochs.set(chunk, { epoch, previous: null });
    const { epoch: told, seq, crc } = this.coordinator.reference();
    const coordinator = { epoch: told, seq, crc };
    return this.scan
      .writer(`worker-${String(chunk).padStart(4, '0')}`, epoch)
      .open({ previous: before?.previous ?? null, coordinator });
  }

  #exited(chunk: number, attempt: number, ending: Ending): void {
    const { exitCode, oomKilled = false, error = '', logTail = [], lastUsage = null } = ending;
    this.coordinator.append(`${this.#subject}.exited`, {
      ...{
        chunk,
        attempt,
        name: name(chunk, attempt),
        id: id(chunk, attempt),
        exitCode,
        oomKilled,
        error,
        logTail,
        lastUsage,
      },
    });
    this.coordinator.append(`${this.#subject}.removed`, {
      name: name(chunk, attempt),
      id: id(chunk, attempt),
    });
  }
}

const name = (chunk: number, attempt: number): string => `smart-scan-x-${chunk}-${attempt}`;
const id = (chunk: number, attempt: number): string => `${chunk}00${attempt}`;

function listing(
  chunk: number,
  planned: number,
  subdirectories = chunk === 1 ? planned - 1 : 0,
): Record<string, unknown> {
  const path = chunk === 1 ? MOUNT : `${MOUNT}/dir-${chunk}`;
  const rows = [
    ['a.txt', 1, '1700000000000000000'],
    ['b.jpg', 2, '1700000000000000000'],
  ];
  const counts = { entries: 2 + subdirectories, subdirectories, others: 0, excluded: 0 };
  return { path, part: 1, last: true, rows, problems: [], ...counts };
}
