import { describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../journal/events/index.js';
import { completeScan, failChunk, failureOf, planChunk, type AttemptEnd } from '../../src/scan/decide.js';
import { evolve, initialState, NO_TOTALS, type ScanState } from '../../src/scan/state.js';

const host = { hostname: 'tower', bootId: 'b', cpus: 2, memoryBytes: 1 };

function given(...events: JournalEvent[]): ScanState {
  return events.reduce(evolve, initialState());
}

function planned(chunk: number): JournalEvent {
  const roots = [{ path: `/m/${chunk}`, scope: 'subtree' as const }];
  return {
    type: 'chunk.planned',
    data: { chunk, roots, reason: 'sized', estimatedFiles: 0, estimatedBytes: 0 },
  };
}

function completed(chunk: number, files: number, problems = 0): JournalEvent {
  return { type: 'chunk.completed', data: { chunk, attempt: 1, files, directories: 1, bytes: 10, problems } };
}

function failed(chunk: number, willRetry: boolean): JournalEvent {
  return { type: 'chunk.failed', data: { chunk, attempt: 1, reason: 'x', willRetry } };
}

const planFinished: JournalEvent = { type: 'plan.finished', data: { chunks: 2 } };

describe('the outcome of a scan', () => {
  test.each([
    ['complete', [planned(1), planFinished, completed(1, 3)], true],
    ['complete-with-problems', [planned(1), planFinished, completed(1, 3, 1)], true],
    ['complete-with-problems', [planned(1), planFinished, completed(1, 0)], true],
    ['incomplete', [planned(1), planned(2), planFinished, completed(1, 3), failed(2, false)], true],
    ['incomplete', [planned(1), planned(2), planFinished, completed(1, 3)], true],
    ['incomplete', [planned(1), completed(1, 3)], true],
    ['incomplete', [planned(1), planFinished, completed(1, 3)], false],
    ['incomplete', [], true],
  ] as const)('is %s', (outcome, events, coverageProven) => {
    expect(completeScan(given(...events), NO_TOTALS, coverageProven).outcome).toBe(outcome);
  });

  test('counts what unfinished chunks hold', () => {
    const partial = { files: 2, directories: 1, bytes: 7n, problems: 1 };
    const said = completeScan(given(planned(1), planned(2), planFinished, completed(1, 3)), partial, true);
    expect(said).toMatchObject({ files: 5, directories: 2, bytes: 17, problems: 1 });
    expect(said.chunks).toEqual({ planned: 2, completed: 1, failed: 0 });
  });

  test('writes bytes beyond 2^53 as text', () => {
    const partial = { files: 1, directories: 1, bytes: 2n ** 53n + 1n, problems: 0 };
    expect(completeScan(given(), partial, true).bytes).toBe('9007199254740993');
  });
});

describe('an attempt', () => {
  const held = { files: 3, directories: 1, bytes: 9n, problems: 0 };
  const scanned = { chunk: 1, attempt: 2, files: 3, directories: 1, bytes: 9, problems: 0 };
  const good: AttemptEnd = {
    attempt: 2,
    exitCode: 0,
    signal: null,
    oomKilled: false,
    error: '',
    sealed: true,
    scanned,
    held,
  };

  test('completes its chunk only with exit 0, a seal, and its own matching last word', () => {
    expect(failureOf(good)).toBeNull();
    expect(failureOf({ ...good, exitCode: 1 })).toContain('exit code 1');
    expect(failureOf({ ...good, exitCode: 137, signal: 'SIGKILL' })).toContain('SIGKILL');
    expect(failureOf({ ...good, exitCode: 137, oomKilled: true })).toContain('memory');
    expect(failureOf({ ...good, exitCode: null, error: 'removed' })).toContain('removed');
    expect(failureOf({ ...good, sealed: false })).toContain('not sealed');
    expect(failureOf({ ...good, scanned: null })).toContain('did not record');
    expect(failureOf({ ...good, scanned: { ...scanned, attempt: 1 } })).toContain('did not record');
    expect(failureOf({ ...good, held: { ...held, files: 2 } })).toContain('its journal holds 2');
  });

  test('is tried again as often as asked', () => {
    const state = given(planned(1));
    const chunk = state.chunks.get(1);
    if (chunk === undefined) throw new Error('no chunk');
    expect(failChunk(chunk, 1, 'x', 2).willRetry).toBe(true);
    expect(failChunk({ ...chunk, failures: 1 }, 2, 'x', 2).willRetry).toBe(true);
    expect(failChunk({ ...chunk, failures: 2 }, 3, 'x', 2).willRetry).toBe(false);
    expect(failChunk(chunk, 1, 'x', 0).willRetry).toBe(false);
  });
});

describe('the state', () => {
  test('numbers chunks on', () => {
    const plan = { roots: [], reason: 'leaf' as const, estimatedFiles: 0, estimatedBytes: 0 };
    expect(planChunk(given(planned(1), planned(2)), plan).chunk).toBe(3);
  });

  test('of a resumed scan has its unfinished chunks waiting again, with a fresh count of failures', () => {
    const resumed: JournalEvent = { type: 'scan.resumed', data: { reason: 'killed', host } };
    const request: JournalEvent = {
      type: 'process.requested',
      data: { chunk: 2, attempt: 3, name: 'n', image: null, command: 'c' },
    };
    const state = given(planned(1), planned(2), completed(1, 3), failed(2, true), request, resumed);
    expect(state.chunks.get(1)?.status).toBe('completed');
    expect(state.chunks.get(2)).toMatchObject({ status: 'planned', attempts: 3, failures: 0 });
  });
});
