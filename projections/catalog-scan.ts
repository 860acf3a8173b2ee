import type { RecordHeader } from '../journal/record.js';
import type { EventData, JournalEvent } from '../journal/events/index.js';
import { pathBytes } from '../journal/path-text.js';
import type { Db } from './database.js';
import { exactInteger, unixSeconds } from './cells.js';
import { explainExit } from './exit-text.js';
import { pathColumn } from './path-column.js';

type Cell = string | number | bigint | Buffer | null;

/**
 * What the coordinator tells, as tables: scans, chunks, attempts, containers, scan_stats. Every statement touches only
 * the columns that its event knows, so that workers' records may be applied before or after.
 */
export class ScanTables {
  readonly #database: Db;
  readonly #statements = new Map<string, ReturnType<Db['prepare']>>();

  constructor(database: Db) {
    this.#database = database;
  }

  apply(event: JournalEvent, header: RecordHeader): void {
    const at = unixSeconds(header.at);
    switch (event.type) {
      case 'scan.started':
        this.#started(event.data, header.scan, at);
        break;
      case 'scan.resumed':
        this.#run('UPDATE scans SET resumed = resumed + 1, ended_at = NULL, outcome = NULL WHERE scan = ?', [
          header.scan,
        ]);
        this.#loseAttempts(header.scan);
        break;
      case 'cleanup.started':
        this.#loseAttempts(header.scan);
        break;
      case 'preflight.checked': {
        const { device } = event.data;
        if (device !== undefined) this.#set('scans', { scan: header.scan }, { mount_device: device });
        break;
      }
      case 'scan.interrupted':
        this.#set('scans', { scan: header.scan }, { interrupted: event.data.signal });
        break;
      case 'scan.completed':
        this.#completed(event.data, header.scan, at);
        break;
      case 'catalog.imported':
        this.#imported(event.data);
        break;
      case 'chunk.planned':
      case 'chunk.split':
      case 'chunk.completed':
      case 'chunk.failed':
      case 'chunk.scanned':
        this.#chunk(event, header.scan);
        break;
      default:
        this.#attempt(event, header.scan, at);
    }
  }

  #started(data: EventData<'scan.started'>, scan: string, at: number): void {
    const mount = pathColumn(pathBytes(data.mountPath));
    this.#set(
      'scans',
      { scan },
      {
        mount_path: mount.text,
        mount_path_raw: mount.raw,
        mount_name: data.mountName,
        engine: data.engine,
        hostname: data.host.hostname,
        started_at: at,
      },
    );
  }

  #completed(data: EventData<'scan.completed'>, scan: string, at: number): void {
    this.#set('scans', { scan }, { ended_at: at, outcome: data.outcome, interrupted: null });
    this.#loseAttempts(scan);
  }

  /** Their coordinator has ended without a word on them. What is told of one later, as that it was taken over, counts. */
  #loseAttempts(scan: string): void {
    this.#run("UPDATE attempts SET state = 'lost' WHERE scan = ? AND state = 'running'", [scan]);
  }

  /** A former catalog's own totals stay until a scan of that mount brings new ones. */
  #imported(data: EventData<'catalog.imported'>): void {
    const rows: unknown = data['scanStats'];
    if (!Array.isArray(rows)) return;
    for (const row of rows as Cell[][]) {
      const cells = row.map((cell, column) => (column === 1 || column === 2 ? exactInteger(cell) : cell));
      this.#run('INSERT OR IGNORE INTO scan_stats VALUES (?, ?, ?, ?, ?)', cells);
    }
  }

  #chunk(
    event: Extract<
      JournalEvent,
      { type: 'chunk.planned' | 'chunk.split' | 'chunk.completed' | 'chunk.failed' | 'chunk.scanned' }
    >,
    scan: string,
  ): void {
    const { chunk } = event.data;
    const key = { scan, chunk };
    switch (event.type) {
      case 'chunk.planned':
        this.#set('chunks', key, {
          roots: JSON.stringify(event.data.roots),
          reason: event.data.reason,
          estimated_files: event.data.estimatedFiles,
          estimated_bytes: exactInteger(event.data.estimatedBytes),
          state: 'planned',
        });
        break;
      case 'chunk.split':
        this.#set('chunks', key, { state: 'split', split_into: JSON.stringify(event.data.into) });
        break;
      case 'chunk.completed':
        this.#set('chunks', key, { state: 'completed', ...totals(event.data) });
        this.#set('attempts', { ...key, attempt: event.data.attempt }, { state: 'completed' });
        break;
      case 'chunk.failed': {
        const { attempt, reason, willRetry } = event.data;
        this.#set('chunks', key, { state: willRetry ? 'retrying' : 'failed' });
        this.#set('attempts', { ...key, attempt }, { state: 'failed', reason });
        break;
      }
      case 'chunk.scanned':
        this.#set('attempts', { ...key, attempt: event.data.attempt }, totals(event.data));
        break;
    }
  }

  #attempt(event: JournalEvent, scan: string, at: number): void {
    const [engine, step] = event.type.split('.');
    if (engine !== 'container' && engine !== 'process') return;
    const data = event.data as Partial<EventData<'container.requested'> & EventData<'container.exited'>>;
    if (step === 'removed') {
      this.#run('UPDATE containers SET removed_at = ? WHERE scan = ? AND name = ? AND id IS ?', [
        at,
        scan,
        data.name ?? '',
        data.id ?? null,
      ]);
      return;
    }
    const place = { scan, chunk: data.chunk ?? 0, attempt: data.attempt ?? 0 };
    if (step === 'adopted') {
      this.#set('attempts', place, { state: 'running' }); // its container's row tells already that it was started
      return;
    }
    const cells: Record<string, Cell> = { engine: engine === 'container' ? 'docker' : 'process' };
    if (step === 'requested') {
      Object.assign(cells, { image: data.image ?? null, command: data.command ?? null, requested_at: at });
    } else if (step === 'started') {
      Object.assign(cells, { id: data.id ?? null, started_at: at });
    } else if (step === 'exited') {
      Object.assign(cells, {
        exited_at: at,
        exit_code: data.exitCode ?? null,
        oom_killed: Number(data.oomKilled === true),
        error: data.error ?? null,
      });
    } else {
      const { reason, detail } = event.data as EventData<'container.start-failed'>;
      Object.assign(cells, { exited_at: at, error: `${reason}: ${detail}` });
    }
    this.#set('containers', { ...place, name: data.name ?? '' }, cells);
    if (place.chunk === 0) return;
    if (step === 'requested') this.#set('attempts', place, { state: 'running' });
    else if (step === 'start-failed')
      this.#set('attempts', place, { state: 'failed', reason: cells['error'] ?? null });
    else if (step === 'exited') this.#ended(place, event.data as EventData<'container.exited'>);
  }

  /** Until its chunk is judged by it; where it was stopped, that is never. A verdict that stands already stays. */
  #ended(place: { scan: string; chunk: number; attempt: number }, exit: EventData<'container.exited'>): void {
    this.#run(
      `UPDATE attempts SET state = 'ended', reason = ?
       WHERE scan = ? AND chunk = ? AND attempt = ? AND state IN ('running', 'lost')`,
      [exit.exitCode === 0 ? null : explainExit(exit), place.scan, place.chunk, place.attempt],
    );
  }

  /** Inserts the row, or changes just these columns of it. */
  #set(table: string, key: Record<string, Cell>, cells: Record<string, Cell>): void {
    const columns = [...Object.keys(key), ...Object.keys(cells)];
    const changes = Object.keys(cells).map((name) => `${name} = excluded.${name}`);
    this.#run(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT DO UPDATE SET ${changes.join(', ')}`,
      [...Object.values(key), ...Object.values(cells)],
    );
  }

  #run(sql: string, cells: Cell[]): void {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    statement.run(cells);
  }
}

function totals(data: {
  files: number;
  directories: number;
  bytes: number | string;
  problems: number;
}): Record<string, Cell> {
  return {
    files: data.files,
    directories: data.directories,
    bytes: exactInteger(data.bytes),
    problems: data.problems,
  };
}
