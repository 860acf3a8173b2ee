/** Who reads one file for longer than this says how far it is, and again after as long. */
const TELL_MS = 10_000;

/** Watches the reading of one file: a scan that records nothing for hours is at work all the same. */
export class LongRead {
  readonly #now: () => number;
  readonly #tell: (bytesRead: number) => void;
  #bytesRead = 0;
  #toldAtMs: number;

  /** @param tell hears now and then how much has been read */
  constructor(now: () => number, tell: (bytesRead: number) => void) {
    this.#now = now;
    this.#tell = tell;
    this.#toldAtMs = now();
  }

  /** So many more bytes have been read. */
  add(bytes: number): void {
    this.#bytesRead += bytes;
    const nowMs = this.#now();
    if (nowMs - this.#toldAtMs < TELL_MS) return;
    this.#toldAtMs = nowMs;
    this.#tell(this.#bytesRead);
  }
}
