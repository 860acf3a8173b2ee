import type { ChunkRoot } from '../../journal/events/index.js';
import type { WorkerExit } from '../engine/port.js';
import { inRecords } from '../plan/roots.js';
import { WORKER_EXIT } from '../worker/task.js';
import { completeChunk, failChunk, failureOf, nextChunk, planChunk } from './decide.js';
import { remainingParts } from './isolate.js';
import { lostMount } from './mount-lost.js';
import type { ChunkProgress } from './progress.js';
import type { ScanJournal } from './scan-journal.js';
import type { ScanSettings } from './settings.js';
import type { Chunk } from './state.js';

/** A chunk's remainder goes into at most so many new ones, unless its places do not fit into their records. */
const SPLIT_CHUNKS_MAX = 16;

export interface SettleContext {
  journal: ScanJournal;
  settings: ScanSettings;
  /** Workers that could start now and have a CPU. */
  usefulSlots: () => number;
  listSubdirectories: (directory: Buffer) => Promise<Buffer[]>;
}

/** An attempt whose worker has exited and whose journal is read to its end. */
export interface EndedAttempt {
  chunk: Chunk;
  attempt: number;
  progress: ChunkProgress;
  exit: WorkerExit;
  /** The scan was stopped, so its end is no failure. */
  stopped: boolean;
  /** It was stopped because it stalled. */
  restarted: boolean;
  /** It did not end even on SIGKILL. */
  stuck: boolean;
  /** Files it was still expected to find. */
  filesLeft: number;
}

/** Judges an attempt by its exit and by what its journal holds, and says what becomes of its chunk. */
export async function settleAttempt(context: SettleContext, ended: EndedAttempt): Promise<void> {
  const { journal, settings } = context;
  const { chunk, attempt, progress, exit } = ended;
  const { ledger, scanned, sealed } = progress;
  const held = ledger.totalsOfAttempt(attempt);
  const failure = failureOf({ attempt, ...exit, sealed, scanned, held });
  const lost = failure === null ? await lostMount(settings, progress, attempt) : null;
  if (failure === null) {
    await witness(journal, progress);
    // What it could not list is gone on with once the mount is back, be it in the next run.
    if (lost !== null) {
      const retries = lost.isBack ? settings.retries : 0;
      await journal.append('chunk.failed', failChunk(chunk, attempt, lost.reason, retries));
      return;
    }
    await shareRemaining(context, ended);
    await journal.append('chunk.completed', completeChunk(chunk.id, attempt, await progress.counts()));
    return;
  }
  const isTold = ended.stopped || ended.restarted;
  if (isTold && sealed && exit.exitCode === WORKER_EXIT.stopped) await witness(journal, progress);
  else await settleWriter(journal, progress);
  if (ended.stopped) return; // resume goes on here
  const reason = ended.restarted ? `restarted after a stall (${failure})` : failure;
  // Another attempt would only be stuck, too: the chunk waits for the next run.
  const failed = failChunk(chunk, attempt, reason, ended.stuck ? 0 : settings.retries);
  // A chunk that keeps failing is cut, so that its poison costs itself only.
  const parts =
    failed.willRetry || ended.stuck || !hasBegun(ended)
      ? []
      : await remainingParts(chunk.roots, await progress.listedDirectories(), context.listSubdirectories);
  await journal.append('chunk.failed', { ...failed, willRetry: failed.willRetry || parts.length > 0 });
  if (parts.length > 0) await splitChunk(journal, ended, parts, SPLIT_CHUNKS_MAX, true);
}

/** Whether its end can be some directory's fault: where nothing at all was done, or too little memory for that, it is not. */
function hasBegun({ chunk, progress }: EndedAttempt): boolean {
  if (chunk.outOfMemory) return progress.ledger.totals.directories > 0;
  return progress.position !== null;
}

/** A worker that was asked to share has said what it did not begin. */
async function shareRemaining(context: SettleContext, ended: EndedAttempt): Promise<void> {
  const { yielded } = ended.progress;
  if (yielded?.attempt !== ended.attempt || yielded.remaining.length === 0) return;
  const sharesMax = Math.min(SPLIT_CHUNKS_MAX, Math.max(1, context.usefulSlots() + 1));
  await splitChunk(context.journal, ended, yielded.remaining, sharesMax, false);
}

async function splitChunk(
  journal: ScanJournal,
  { chunk, filesLeft }: EndedAttempt,
  remaining: readonly ChunkRoot[],
  sharesMax: number,
  isolating: boolean,
): Promise<void> {
  const shares = Math.min(remaining.length, sharesMax);
  const parts = Array.from({ length: shares }, (_, share) =>
    remaining.filter((_root, index) => index % shares === share),
  ).flatMap((roots) => inRecords(roots, (root) => root));
  const first = nextChunk(journal.state);
  const into = parts.map((_, index) => first + index);
  const plans = parts.map((roots) => ({
    roots,
    reason: 'split' as const,
    estimatedFiles: Math.floor(filesLeft / parts.length),
    estimatedBytes: 0,
    ...(isolating ? { isolating } : {}),
  }));
  // Appended in one breath: no other chunk can take a number in between.
  const appended = [journal.append('chunk.split', { chunk: chunk.id, into })];
  for (const plan of plans) appended.push(journal.append('chunk.planned', planChunk(journal.state, plan)));
  await Promise.all(appended);
}

/** Tells how far the writer's records are proven. */
export async function witness(journal: ScanJournal, progress: ChunkProgress): Promise<void> {
  const { position } = progress;
  if (position !== null) await journal.append('writer.progressed', position);
}

/** Tells that the writer ended badly: up to here counts, later bytes of that epoch never. */
export async function settleWriter(journal: ScanJournal, progress: ChunkProgress): Promise<void> {
  const { position } = progress;
  if (position !== null) await journal.append('writer.settled', position);
}
