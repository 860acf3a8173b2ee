import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventData } from '../../journal/events/index.js';
import { Frontier } from '../../src/walk/frontier.js';
import { listingContext } from '../../src/walk/listing.js';
import { PROGRESS, type ListerAnswer } from '../../src/walk/protocol.js';
import { SyncLister } from '../../src/walk/sync-lister.js';
import { listAtOnce, listerOptions } from '../support/async-listing.js';
import { Recorded } from '../support/worker-run.js';

// Files that take hours to read: whoever is killed meanwhile loses little, and whoever waits hears of it.

const MIB = 1024 * 1024;
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nas-scanner-slow-'));
  for (const film of ['first', 'second', 'third']) {
    mkdirSync(join(root, film));
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, film, name), Buffer.alloc(3 * MIB, name));
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A clock on which every look takes so long. */
function slowClock(stepMs: number): () => number {
  let nowMs = 0;
  return () => (nowMs += stepMs);
}

/** Everything a lister that blocks says of the tree. */
function listedBlocking(stepMs: number): ListerAnswer[] {
  const frontier = new Frontier([{ path: root, scope: 'subtree' }], () => false);
  const answers: ListerAnswer[] = [];
  const progress = new Int32Array(PROGRESS.words);
  const lister = new SyncLister(
    listingContext(listerOptions(root, 'full'), slowClock(stepMs)),
    progress,
    (answer) => {
      answers.push(answer);
      progress[PROGRESS.unread] = -1; // all are on disk
      for (const group of answer.found) frontier.add(group);
    },
  );
  for (let jobs = frontier.take(9); jobs.length > 0; jobs = frontier.take(9)) lister.list(jobs);
  return answers;
}

/** The same of one that does not block, which reads all directories at once. */
function listedAtOnce(stepMs: number): Promise<ListerAnswer[]> {
  return listAtOnce(listingContext(listerOptions(root, 'full'), slowClock(stepMs)), 9);
}

function batchesOf(answers: readonly ListerAnswer[]): EventData<'files.batch'>[] {
  return answers.flatMap(({ data }) =>
    data === null ? [] : [JSON.parse(Buffer.from(data).toString()) as EventData<'files.batch'>],
  );
}

/** What all parts together hold; throws where they do not fit together. */
function recorded(answers: readonly ListerAnswer[]): Recorded {
  const all = new Recorded();
  for (const batch of batchesOf(answers)) all.batch(batch);
  return all;
}

describe.each([
  ['one after the other', (stepMs: number) => Promise.resolve(listedBlocking(stepMs))],
  ['several at once', listedAtOnce],
])('files that take long to read, %s', (_how, list) => {
  test('are told about while they are read', async () => {
    const answers = await list(20_000);
    const told = answers.flatMap(({ reading }) => (reading === null ? [] : [reading]));
    expect(told.length).toBeGreaterThan(3);
    for (const { path, bytesRead, bytesTotal } of told) {
      expect(path.startsWith(`${root}/`)).toBe(true);
      expect(bytesTotal).toBe(3 * MIB);
      expect(bytesRead).toBeGreaterThan(0);
      expect(bytesRead).toBeLessThanOrEqual(bytesTotal);
    }
  });

  test('keep no record waiting that is there already', async () => {
    const answers = await list(20_000);
    const handedOutEarly = batchesOf(answers)
      .flatMap(({ directories }) => directories)
      .filter(({ last, rows }) => !last && rows.length > 0);
    expect(handedOutEarly.length).toBeGreaterThan(2);
  });

  test('end up in the same listings, whatever the parts', async () => {
    const [slow, quick] = [recorded(await list(20_000)), recorded(await list(0))];
    expect(slow.files.sort()).toEqual(quick.files.sort());
    expect(slow.files).toHaveLength(9);
    expect([...slow.directories.keys()].sort()).toEqual([...quick.directories.keys()].sort());
    for (const [path, { entries }] of slow.directories)
      expect(entries).toBe(quick.directories.get(path)?.entries);
  });

  test('are not told about where they are read at once', async () => {
    const answers = await list(0);
    expect(answers.filter(({ reading }) => reading !== null)).toEqual([]);
  });
});
