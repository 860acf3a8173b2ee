import { describe, expect, test } from 'vitest';
import {
  nextSteps,
  type Limits,
  type SeenAttempt,
  type Supervised,
  type WaitingChunk,
} from '../../src/engine/supervisor.js';

const limits: Limits = {
  workersMax: 2,
  stallMs: 1000,
  stallAction: 'warn',
  splitAfterMs: 100,
  splitAfterShare: 0.05,
  splitIdleMs: 20,
  graceMs: 50,
  engineWaitMs: 60_000,
};
const NOW = 10_000;

function attempt(chunk: number, change: Partial<SeenAttempt> = {}): SeenAttempt {
  return {
    chunk,
    phase: 'running',
    startedAtMs: NOW - 500,
    recording: true,
    progressAtMs: NOW,
    stopAskedAtMs: null,
    doneAtMs: null,
    killedAtMs: null,
    stallReportedAtMs: null,
    roomWaitMs: 0,
    filesLeft: 0,
    ...change,
  };
}

function chunk(id: number, bytes = 0n, notBeforeMs = 0): WaitingChunk {
  return { id, estimatedFiles: 0, estimatedBytes: bytes, notBeforeMs };
}

function steps(seen: Partial<Supervised>, change: Partial<Limits> = {}) {
  return nextSteps(
    {
      attempts: [],
      scanStartedAtMs: NOW - 1000,
      lastEndedAtMs: NOW - 20,
      waiting: [],
      planned: true,
      stopping: false,
      paused: false,
      engineLost: false,
      engineGivenUp: false,
      ...seen,
    },
    NOW,
    {
      ...limits,
      ...change,
    },
  );
}

describe('the supervisor', () => {
  test('fills its slots, largest first', () => {
    const waiting = [chunk(1, 1n), chunk(2, 3n), chunk(3, 2n)];
    expect(steps({ waiting })).toEqual([
      { kind: 'launch', chunk: 2 },
      { kind: 'launch', chunk: 3 },
    ]);
    expect(steps({ waiting, attempts: [attempt(9)] })).toEqual([{ kind: 'launch', chunk: 2 }]);
    expect(steps({ waiting, attempts: [attempt(8), attempt(9)] })).toEqual([]);
  });

  test('waits with a retry, and starts nothing while starts are held', () => {
    expect(steps({ waiting: [chunk(1, 0n, NOW + 1)] })).toEqual([]);
    expect(steps({ waiting: [chunk(1)], stopping: true })).toEqual([]);
    expect(steps({ waiting: [chunk(1)], engineLost: true })).toEqual([]);
    expect(steps({ waiting: [chunk(1)], paused: true })).toEqual([]);
  });

  test('relieves the worker with most left when slots stand idle', () => {
    expect(
      steps({ attempts: [attempt(1, { filesLeft: 5 }), attempt(2, { filesLeft: 9 })] }, { workersMax: 3 }),
    ).toEqual([{ kind: 'split', chunk: 2 }]);
  });

  test.each([
    ['planning goes on', { planned: false, attempts: [attempt(1)] }],
    ['another is already sharing', { attempts: [attempt(1, { phase: 'leaving' })] }],
    ['it has just begun', { attempts: [attempt(1, { startedAtMs: NOW - 10 })] }],
    ['it has recorded nothing yet', { attempts: [attempt(1, { recording: false })] }],
    ['it has run for a small part of the scan', { attempts: [attempt(1)], scanStartedAtMs: 0 - NOW }],
    ['the slot has only just become idle', { attempts: [attempt(1)], lastEndedAtMs: NOW - 19 }],
    ['a chunk waits for its retry', { attempts: [attempt(1)], waiting: [chunk(2, 0n, NOW + 9)] }],
  ])('relieves nobody while %s', (_, seen) => {
    expect(steps(seen)).toEqual([]);
  });

  test('reports a stall once per period, with the action the user chose', () => {
    const silent = { progressAtMs: NOW - 1500 };
    const full = { workersMax: 1 };
    expect(steps({ attempts: [attempt(1, silent)] }, full)).toEqual([
      { kind: 'report-stall', chunk: 1, secondsSinceProgress: 2, action: 'warn' },
    ]);
    expect(steps({ attempts: [attempt(1, { ...silent, stallReportedAtMs: NOW - 900 })] }, full)).toEqual([]);
    expect(steps({ attempts: [attempt(1, silent)] }, { ...full, stallAction: 'restart' })).toMatchObject([
      { action: 'restart' },
    ]);
  });

  test('a worker that waits for room on its disk is no stall, for as long as it may wait', () => {
    const full = { workersMax: 1 };
    const waiting = { progressAtMs: NOW - 1500, roomWaitMs: 600 };
    expect(steps({ attempts: [attempt(1, waiting)] }, full)).toEqual([]);
    expect(steps({ attempts: [attempt(1, { ...waiting, roomWaitMs: 400 })] }, full)).toMatchObject([
      { kind: 'report-stall' },
    ]);
  });

  test('kills a worker that was asked to stop and did not, but not one that is only sharing', () => {
    const asked = { phase: 'leaving' as const, stopAskedAtMs: NOW - 51 };
    expect(steps({ attempts: [attempt(1, asked)], stopping: true })).toEqual([{ kind: 'kill', chunk: 1 }]);
    expect(steps({ attempts: [attempt(1, { ...asked, stopAskedAtMs: NOW - 50 })], stopping: true })).toEqual(
      [],
    );
    expect(steps({ attempts: [attempt(1, { phase: 'leaving' })], stopping: true })).toEqual([]);
    const killed = { ...asked, killedAtMs: NOW - 51 };
    expect(steps({ attempts: [attempt(1, killed)], stopping: true })).toEqual([
      { kind: 'abandon', chunk: 1 },
    ]);
  });

  test('ends nothing while the engine is away; a scan that ends leaves the worker to the next', () => {
    const asked = { phase: 'leaving' as const, stopAskedAtMs: NOW - 51 };
    expect(steps({ attempts: [attempt(1, asked)], engineLost: true })).toEqual([]);
    const left = [{ kind: 'leave', chunk: 1 }];
    expect(steps({ attempts: [attempt(1, asked)], engineLost: true, stopping: true })).toEqual(left);
    const ended = { ...asked, phase: 'ended' as const };
    expect(steps({ attempts: [attempt(1, ended)], engineLost: true, stopping: true })).toEqual(left);
    expect(steps({ attempts: [attempt(1)], engineLost: true, engineGivenUp: true })).toEqual(left);
    expect(steps({ attempts: [attempt(1, ended)], stopping: true })).toEqual([]);
  });

  test('a worker that is done and does not end is killed, then left to the kernel', () => {
    const full = { workersMax: 1 };
    expect(steps({ attempts: [attempt(1, { doneAtMs: NOW - 100 })] }, full)).toEqual([]);
    const done = { doneAtMs: NOW - 101 };
    expect(steps({ attempts: [attempt(1, done)] }, full)).toEqual([{ kind: 'kill', chunk: 1 }]);
    expect(steps({ attempts: [attempt(1, { ...done, killedAtMs: NOW - 50 })] }, full)).toEqual([]);
    const killed = { ...done, killedAtMs: NOW - 51 };
    expect(steps({ attempts: [attempt(1, killed)] }, full)).toEqual([{ kind: 'abandon', chunk: 1 }]);
  });

  test('a worker that hangs while it shares its chunk has stalled like any other', () => {
    const sharing = { phase: 'leaving' as const, progressAtMs: NOW - 1500 };
    expect(steps({ attempts: [attempt(1, sharing)] }, { workersMax: 1 })).toMatchObject([
      { kind: 'report-stall', chunk: 1 },
    ]);
  });
});
