import type { SegmentPosition } from '../journal/segments.js';
import type { Db, Statement } from './database.js';

/** How far the catalog holds each writer's records. */
export class CheckpointTable {
  readonly #put: Statement;
  readonly #of: Statement<[string], SegmentPosition & { writer: string }>;
  readonly #scans: Statement<[], string>;

  constructor(database: Db) {
    this.#put = database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#of = database.prepare(
      'SELECT writer, epoch, segment, seq, crc, bytes FROM checkpoints WHERE scan = ?',
    );
    this.#scans = database.prepare<[], string>('SELECT DISTINCT scan FROM checkpoints ORDER BY scan').pluck();
  }

  put(scan: string, writer: string, { epoch, segment, seq, crc, bytes }: SegmentPosition): void {
    this.#put.run(scan, writer, epoch, segment, seq, crc, bytes);
  }

  of(scan: string): Map<string, SegmentPosition> {
    return new Map(this.#of.all(scan).map(({ writer, ...position }) => [writer, position]));
  }

  scans(): string[] {
    return this.#scans.all();
  }
}
