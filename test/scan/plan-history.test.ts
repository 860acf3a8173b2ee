import { expect, test } from 'vitest';
import type { JournalEvent } from '../../journal/events/index.js';
import { LearnedDirectories } from '../../src/scan/plan-history.js';

function learn(...events: [JournalEvent, number][]): LearnedDirectories {
  const learned = new LearnedDirectories();
  for (const [event, atMs] of events) learned.push(event, atMs);
  return learned;
}

function planned(chunk: number, ...paths: string[]): JournalEvent {
  const roots = paths.map((path) => ({ path, scope: 'subtree' as const }));
  return {
    type: 'chunk.planned',
    data: { chunk, roots, reason: 'leaf', estimatedFiles: 0, estimatedBytes: 0 },
  };
}

const requested: JournalEvent = {
  type: 'process.requested',
  data: { chunk: 1, attempt: 1, name: 'n', image: null, command: 'c' },
};
const completed: JournalEvent = {
  type: 'chunk.completed',
  data: { chunk: 1, attempt: 1, files: 7, directories: 2, bytes: '9007199254740993', problems: 0 },
};

test('what analysis sized is known; what it gave up is not', () => {
  const finished = (directory: string, outcome: 'sized' | 'timed-out', seconds = 5): JournalEvent => ({
    type: 'analysis.finished',
    data: { directory, outcome, files: 3, bytes: 10, seconds },
  });
  const learned = learn(
    [finished('/m/a', 'sized'), 0],
    [finished('/m/b', 'timed-out'), 0],
    [finished('/m/quick', 'sized', 0.5), 0],
  );
  expect(learned.of('/m/a')).toEqual({ files: 3, bytes: 10, seconds: 5 });
  expect(learned.of('/m/quick')).toBeUndefined();
  expect(learned.of('/m/b')).toBeUndefined();
});

test('a chunk of one directory tells its size and time', () => {
  const learned = learn([planned(1, '/m/a'), 0], [requested, 1000], [completed, 3500]);
  expect(learned.of('/m/a')).toEqual({ files: 7, bytes: 9007199254740992, seconds: 2.5 });
});

test('a chunk of several directories, or one that was split, tells nothing', () => {
  expect(learn([planned(1, '/m/a', '/m/b'), 0], [completed, 1]).of('/m/a')).toBeUndefined();
  const split: JournalEvent = { type: 'chunk.split', data: { chunk: 1, into: [2] } };
  expect(learn([planned(1, '/m/a'), 0], [split, 1], [completed, 2]).of('/m/a')).toBeUndefined();
});
