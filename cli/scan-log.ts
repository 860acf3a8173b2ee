import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import type { JournalEvent } from '../journal/events/index.js';
import { logFileName, logLines, newLogState, renderLogLine, type LogLine } from '../projections/log.js';
import type { AttemptObserver } from '../src/scan/observer.js';

const PINO_LEVEL = { INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;

/** What goes through the logger: one rendered line and its time. */
interface Entry {
  line: LogLine;
  atMs: number;
}

/** The readable log of one scan: every record of the journal that a person wants to know of, as it happens. */
export class ScanLog implements AttemptObserver {
  readonly path: string;
  readonly #file: number;
  readonly #logger: Logger;
  readonly #state = newLogState();
  readonly #echo: (text: string, level: LogLine['level']) => void;
  #unwritable = false;

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

  recorded(event: JournalEvent, header: Parameters<AttemptObserver['recorded']>[1]): void {
    const atMs = Date.parse(header.at);
    for (const line of logLines(event, header, this.#state))
      this.#logger[PINO_LEVEL[line.level]]({ line, atMs });
  }

  #write({ line, atMs }: Entry): void {
    const text = renderLogLine(line, atMs);
    this.#echo(text, line.level);
    try {
      writeSync(this.#file, `${text}\n`);
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
    closeSync(this.#file);
  }
}
