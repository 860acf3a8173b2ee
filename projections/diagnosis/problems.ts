import type { PathText, Problem } from '../../journal/events/index.js';
import { Column } from '../../journal/hash-index.js';
import type { Evidence } from './types.js';

/** Directories whose problems are kept with their names; of the others only counts are. */
const DIRECTORIES_KEPT_MAX = 20_000;
/** Problems kept of one directory. */
const KEPT_PER_DIRECTORY_MAX = 50;
/** Problems kept in all. */
const KEPT_MAX = 50_000;

export interface DirectoryProblems {
  path: PathText;
  count: number;
  problems: readonly Problem[];
  evidence: Evidence;
}

/** What could not be read, by directory. A new listing of a directory replaces what its last one said. */
export class ProblemBook {
  readonly #counts = new Column(Uint32Array);
  readonly #byEntry = new Map<number, DirectoryProblems>();
  readonly #byCode = new Map<string, number>();
  #kept = 0;
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** How many, by errno name. Counts of a directory beyond what is kept stay when it is listed again. */
  get byCode(): ReadonlyMap<string, number> {
    return this.#byCode;
  }

  countOf(entry: number): number {
    return this.#counts.get(entry);
  }

  has(entry: number): boolean {
    return this.countOf(entry) > 0;
  }

  /** Those kept with their names, in the order of the journal. */
  directories(): IterableIterator<DirectoryProblems> {
    return this.#byEntry.values();
  }

  set(
    entry: number,
    path: PathText,
    problems: readonly Problem[],
    evidenceOf: (text: string) => Evidence,
  ): void {
    this.forget(entry);
    if (problems.length === 0) return;
    this.#total += problems.length;
    this.#counts.set(entry, problems.length);
    this.#count(problems, 1);
    if (this.#byEntry.size >= DIRECTORIES_KEPT_MAX || this.#kept >= KEPT_MAX) return;
    const kept = problems.slice(0, KEPT_PER_DIRECTORY_MAX);
    this.#kept += kept.length;
    this.#byEntry.set(entry, {
      path,
      count: problems.length,
      problems: kept,
      evidence: evidenceOf(
        problems.length === 1 ? 'an entry could not be read' : 'entries could not be read',
      ),
    });
  }

  /** The directory has been listed anew, so far without a problem. */
  forget(entry: number): void {
    if (this.#total === 0 || !this.has(entry)) return;
    this.#total -= this.#counts.get(entry);
    this.#counts.set(entry, 0);
    const known = this.#byEntry.get(entry);
    if (known === undefined) return;
    this.#kept -= known.problems.length;
    this.#count(known.problems, -1);
    this.#byEntry.delete(entry);
  }

  #count(problems: readonly Problem[], sign: 1 | -1): void {
    for (const { code } of problems) this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + sign);
  }
}
