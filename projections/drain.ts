export interface DrainResult {
  upToDate: boolean;
  /** Why it is not; empty where it is. */
  detail: string;
}

export interface DrainPatience {
  timeoutMs: number;
  /**
   * Only time without progress counts, and room on a full disk is waited for as long. False, as for a scan that is told
   * to stop: it is the time for all, and a full disk ends the wait.
   */
  patient: boolean;
}

/** What becomes of a wait that its caller ends. */
export const NOT_AWAITED: Readonly<DrainResult> = {
  upToDate: false,
  detail: 'it was not waited for to the end',
};

/** One wait for the catalog to be up with the journal. All times are ms of one clock. */
export class Drain {
  readonly patience: DrainPatience;
  readonly #resolve: (result: DrainResult) => void;
  readonly #beganMs: number;
  /** The last progress, and the last that no failure takes back. */
  #progressMs: number;
  #keptMs: number;
  #rebuilds = 0;

  constructor(patience: DrainPatience, nowMs: number, resolve: (result: DrainResult) => void) {
    this.patience = patience;
    this.#resolve = resolve;
    this.#beganMs = nowMs;
    this.#progressMs = nowMs;
    this.#keptMs = nowMs;
  }

  /** @param kept it is committed */
  progressed(nowMs: number, kept: boolean): void {
    this.#progressMs = nowMs;
    if (kept) this.#keptMs = nowMs;
  }

  /** What was not committed was no progress. */
  failed(): void {
    this.#progressMs = this.#keptMs;
  }

  /** The catalog is built anew: what was committed before is done again. Whatever asks for that twice may ask for ever. */
  rebuilt(): void {
    this.#rebuilds += 1;
  }

  get deadlineMs(): number {
    const { patient, timeoutMs } = this.patience;
    return (patient && this.#rebuilds < 2 ? this.#progressMs : this.#beganMs) + timeoutMs;
  }

  answer(result: DrainResult): void {
    this.#resolve(result);
  }
}
