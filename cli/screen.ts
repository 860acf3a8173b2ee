const ESCAPE = '\u001b[';
/** The other screen, without a cursor; back again, the terminal is as it was. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l`;
const LEAVE = `${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const CLEAR_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;
const CTRL_C = '\u0003';
const ROWS_DEFAULT = 24;
const COLUMNS_DEFAULT = 80;

/** A full screen on the terminal that is given back whatever happens. */
export class Screen {
  #open = false;
  #left = false;
  #wake: () => void = () => undefined;
  readonly #onSignal = (): void => {
    this.#leave();
  };
  readonly #onExit = (): void => {
    this.close();
  };
  readonly #onKey = (key: Buffer): void => {
    const text = key.toString('latin1');
    if (text === 'q' || text === 'Q' || text === CTRL_C) this.#leave();
  };

  /** The user wants to see no more. */
  get left(): boolean {
    return this.#left;
  }

  get size(): { columns: number; rows: number } {
    return { columns: process.stdout.columns || COLUMNS_DEFAULT, rows: process.stdout.rows || ROWS_DEFAULT };
  }

  open(): void {
    this.#open = true;
    process.stdout.write(ENTER);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#onSignal);
    process.on('exit', this.#onExit);
    process.stdout.on('resize', this.#wakeUp);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on('data', this.#onKey);
    process.stdin.resume();
  }

  /** Draws all lines anew, in one write so that nothing flickers. */
  draw(lines: readonly string[]): void {
    process.stdout.write(`${HOME}${lines.map((line) => line + CLEAR_LINE).join('\r\n')}${CLEAR_BELOW}`);
  }

  /** Waits, or until a key, a signal or another size of the window asks for attention. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#onSignal);
    process.off('exit', this.#onExit);
    process.stdout.off('resize', this.#wakeUp);
    if (process.stdin.isTTY) {
      process.stdin.off('data', this.#onKey);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    process.stdout.write(LEAVE);
  }

  readonly #wakeUp = (): void => {
    this.#wake();
  };

  #leave(): void {
    this.#left = true;
    this.#wake();
  }
}
