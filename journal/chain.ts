import type { Run, SegmentSurvey } from './pieces.js';
import { NO_PREVIOUS_CRC } from './record.js';

/** A run that counts, with where it stands. `toSeq` and `toByte` are the run's, less a record that was cut off. */
export interface Link {
  run: Run;
  /** Index into the epoch's segments. */
  at: number;
  toSeq: number;
  toByte: number;
}

/** Runs looked back at for a better predecessor: bounds the work on a file that is all holes. */
const LOOK_BACK = 512;

interface Candidate {
  run: Run;
  at: number;
  /** Records of the best chain that ends with this run. */
  score: number;
  before: number;
  /** The last record of the run before is given up: this run's first one denies it. */
  trims: boolean;
}

/**
 * Chooses what counts in one epoch: the runs, in the order of the bytes, that hold most records, no seq twice,
 * no record that its successor denies. What repeats or strayed from elsewhere remains outside.
 */
export function chainOf(segments: readonly SegmentSurvey[]): Link[] {
  const runs: { run: Run; at: number }[] = [];
  segments.forEach((survey, at) => {
    for (const piece of survey.pieces) if (piece.kind === 'run') runs.push({ run: piece, at });
  });
  if (followEachOther(runs))
    return runs.map(({ run, at }) => ({ run, at, toSeq: run.toSeq, toByte: run.toByte }));
  const candidates = supported(runs).map((entry) => ({ ...entry, score: 0, before: -1, trims: false }));
  candidates.forEach((candidate, i) => {
    join(candidates, candidate, i);
  });
  return trace(candidates);
}

/** Nothing to choose: every run can stand behind the one before. */
function followEachOther(runs: readonly { run: Run; at: number }[]): boolean {
  return runs.every(({ run, at }, i) => {
    const before = runs[i - 1];
    if (run.glued) return false;
    return before === undefined || costOf(before, { run, at }) === 0;
  });
}

/** Without those found inside bad lines that no neighbour names. */
function supported(runs: { run: Run; at: number }[]): { run: Run; at: number }[] {
  if (!runs.some(({ run }) => run.glued)) return runs;
  const ends = new Set(runs.map(({ run }) => `${run.toSeq} ${run.lastCrc}`));
  ends.add(`0 ${NO_PREVIOUS_CRC}`);
  const needed = new Set(runs.map(({ run }) => `${run.fromSeq - 1} ${run.firstPrev}`));
  return runs.filter(
    ({ run }) =>
      !run.glued ||
      run.toSeq > run.fromSeq ||
      ends.has(`${run.fromSeq - 1} ${run.firstPrev}`) ||
      needed.has(`${run.toSeq} ${run.lastCrc}`),
  );
}

function join(candidates: readonly Candidate[], candidate: Candidate, index: number): void {
  const { run } = candidate;
  const records = run.toSeq - run.fromSeq + 1;
  candidate.score = records;
  for (let i = index - 1; i >= Math.max(0, index - LOOK_BACK); i -= 1) {
    const before = candidates[i];
    if (before === undefined) continue;
    const cost = costOf(before, candidate);
    if (cost === null || before.score + records - cost < candidate.score) continue;
    // Of equals the nearest by seq: a chain that links is better than one with a hole.
    const best = candidates[candidate.before];
    const score = before.score + records - cost;
    if (score === candidate.score && best !== undefined && best.run.toSeq >= before.run.toSeq) continue;
    candidate.score = score;
    candidate.before = i;
    candidate.trims = cost > 0;
  }
}

/** Records lost by putting one behind the other; null: they exclude each other. */
function costOf(
  { run: before, at: beforeAt }: { run: Run; at: number },
  { run, at }: { run: Run; at: number },
): number | null {
  if (before.sealed && beforeAt === at) return null;
  if (before.toSeq + 1 < run.fromSeq) return 0;
  if (before.toSeq + 1 === run.fromSeq) {
    if (run.firstPrev === before.lastCrc) return 0;
    return before.toSeq > before.fromSeq && run.toSeq > run.fromSeq ? 1 : null;
  }
  const replaces = before.toSeq === run.fromSeq && before.toSeq > before.fromSeq;
  return replaces && run.firstPrev === before.lastPrev ? 1 : null;
}

function trace(candidates: readonly Candidate[]): Link[] {
  let best = -1;
  candidates.forEach((candidate, i) => {
    if (candidate.score > (candidates[best]?.score ?? 0)) best = i;
  });
  const links: Link[] = [];
  let trims = false;
  for (let candidate = candidates[best]; candidate !== undefined; candidate = candidates[candidate.before]) {
    const { run, at } = candidate;
    const end = trims
      ? { toSeq: run.toSeq - 1, toByte: run.lastFromByte }
      : { toSeq: run.toSeq, toByte: run.toByte };
    links.push({ run, at, ...end });
    ({ trims } = candidate);
  }
  return links.reverse();
}
