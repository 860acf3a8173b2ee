import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import type { JournalEvent } from '../journal/events/index.js';
import { logFileName, logLines, newLogState, renderLogLine, type LogLine } from '../projections/log.js';
import type { RecordObserver } from '../src/scan/observer.js';

const PINO_LEVEL = { INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;

/** Lines kept for when there is room again, on a disk that is full; the journal holds all that is more. */
const UNWRITTEN_BYTES_MAX = 1024 * 1024;

/** What goes through the logger: one rendered line and its time. */
interface Entry {
  line: LogLine;
  atMs: number;
}

/** The readable log of one scan: every record of the journal that a person wants to know of, as it happens. */
export class ScanLog implements RecordObserver {
  readonly path: string;
  readonly #file: number;
  readonly #logger: Logger;
  readonly #state = newLogState();
  readonly #echo: (text: string, level: LogLine['level']) => void;
  #unwritable = false;
  /** What a full disk did not take. */
  #unwritten: Buffer = Buffer.alloc(0);

  /**
   * @param startedAtMs the scan's start, which names the file
   * @param echo where lines also go while the scan runs
   */
  constructor(dataDir: string, startedAtMs: number, echo: (text: string, level: LogLine['level']) => void) {
    this.path = join(dataDir, logFileName(startedAtMs));
    this.#file = openSync(this.path, 'a');
    this.#echo = echo;
    this.#logger = pino(
      { base: null, timestamp: false },
      {
        write: (json: string) => {
          this.#write(JSON.parse(json) as Entry);
        },
      },
    );
  }

  recorded(event: JournalEvent, header: Parameters<RecordObserver['recorded']>[1]): void {
    const atMs = Date.parse(header.at);
    for (const line of logLines(event, header, this.#state))
      this.#logger[PINO_LEVEL[line.level]]({ line, atMs });
  }

  #write({ line, atMs }: Entry): void {
    const text = renderLogLine(line, atMs);
    this.#echo(text, line.level);
    // Whole lines only, and in order: what does not fit any more is missing at the end of a pause, not in its middle.
    if (this.#unwritten.length < UNWRITTEN_BYTES_MAX)
      this.#unwritten = Buffer.concat([this.#unwritten, Buffer.from(`${text}\n`)]);
    this.#flush();
  }

  #flush(): void {
    try {
      // A disk may take a part before it is full.
      while (this.#unwritten.length > 0)
        this.#unwritten = this.#unwritten.subarray(writeSync(this.#file, this.#unwritten));
    } catch (error) {
      if (this.#unwritable) return;
      this.#unwritable = true; // said once; the journal holds all that the log misses
      const reason = error instanceof Error ? error.message : String(error);
      this.#echo(
        `WARNING the log ${this.path} cannot be written (${reason}); the journal goes on`,
        'WARNING',
      );
    }
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }
}
