/** Which characters may come at a place. */
export interface Taker {
  takes(char: string): boolean;
  /** All others are alike to it; null where any two may differ. */
  tells: readonly string[] | null;
}

/** One step of a compiled glob; all but `fork` and `accept` go on to the step after them. */
export type Step =
  | { kind: 'take'; taker: Taker } // one character
  | { kind: 'fork'; to: number[] } // any of these, at once
  | { kind: 'edge'; of: 'before' | 'after' } // no character but a slash on that side
  | { kind: 'accept' };

/** What was read so far, as far as it matters: the steps that may come next. */
interface State {
  /** Whether a slash, or nothing at all, came last. */
  atStart: boolean;
  steps: readonly number[];
  next: Map<string, State>;
  accepts: boolean | null;
}

/** States and ways between them that are kept: few names need more than a hundred; then all are found anew. */
const WAYS_MAX = 20_000;

/** Stands for every character that no step tells from the others. */
const OTHER = '';

/**
 * Takes all ways through a glob at once, character by character, so that no text takes longer than its length says,
 * however many stars there are: an expression that tries one way after another needs years for some names. What follows
 * a state and a character is found once and then known.
 */
export class GlobMachine {
  readonly #program: readonly Step[];
  /** Characters that it tells apart; null: all. The slash is one, whatever the globs say. */
  readonly #tells: ReadonlySet<string> | null;
  #known = new Map<string, State>();
  #ways = 0;
  #first: State;

  constructor(program: readonly Step[]) {
    this.#program = program;
    const told = program.map((step) => (step.kind === 'take' ? step.taker.tells : []));
    this.#tells = told.includes(null) ? null : new Set(['/', ...told.flatMap((chars) => chars ?? [])]);
    this.#first = this.#state(true, [0]);
  }

  matches(text: string): boolean {
    if (this.#ways > WAYS_MAX) this.#forget();
    let state = this.#first;
    for (const char of text) {
      const symbol = this.#tells === null || this.#tells.has(char) ? char : OTHER;
      let next = state.next.get(symbol);
      if (next === undefined) {
        next = this.#step(state, char);
        state.next.set(symbol, next);
        this.#ways += 1;
      }
      if (next.steps.length === 0) return false;
      state = next;
    }
    state.accepts ??= this.#reached(state, true).some((at) => this.#program[at]?.kind === 'accept');
    return state.accepts;
  }

  #forget(): void {
    this.#known = new Map();
    this.#ways = 0;
    this.#first = this.#state(true, [0]);
  }

  #state(atStart: boolean, steps: readonly number[]): State {
    const key = `${atStart ? '/' : ''}${steps.join(',')}`;
    let state = this.#known.get(key);
    if (state === undefined) {
      state = { atStart, steps, next: new Map(), accepts: null };
      this.#known.set(key, state);
    }
    return state;
  }

  #step(state: State, char: string): State {
    const after: number[] = [];
    for (const at of this.#reached(state, char === '/')) {
      const step = this.#program[at];
      if (step?.kind === 'take' && step.taker.takes(char)) after.push(at + 1);
    }
    return this.#state(
      char === '/',
      after.sort((one, other) => one - other),
    );
  }

  /** The steps that can be come to without a character. @param atEnd whether a slash, or nothing, comes next */
  #reached(state: State, atEnd: boolean): number[] {
    const seen = new Set<number>();
    const open = [...state.steps];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const step = this.#program[at];
      if (step?.kind === 'fork') for (const to of step.to) open.push(to);
      else if (step?.kind === 'edge' && (step.of === 'before' ? state.atStart : atEnd)) open.push(at + 1);
    }
    return [...seen];
  }
}
