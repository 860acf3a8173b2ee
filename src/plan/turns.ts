/**
 * Lets at most so many run at once. Urgent ones come first, in their order; of the others the newest, so that few
 * directories wait at any time.
 */
export class Turns {
  #free: number;
  readonly #urgent: (() => void)[] = [];
  readonly #others: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take(urgent: boolean): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => (urgent ? this.#urgent : this.#others).push(resolve));
  }

  give(): void {
    const next = this.#urgent.shift() ?? this.#others.pop();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
