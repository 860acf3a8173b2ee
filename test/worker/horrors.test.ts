import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventData } from '../../journal/events/index.js';
import { RECORD_BYTES_TARGET } from '../../journal/record.js';
import { plantHorrors } from '../support/horrors.js';
import { AsyncLister } from '../../src/walk/async-lister.js';
import { Frontier } from '../../src/walk/frontier.js';
import { listingContext } from '../../src/walk/listing.js';
import type { ListerAnswer, ListerOptions } from '../../src/walk/protocol.js';
import { difference, factsByFind, Recorded, seenByFind, WorkerPlace } from '../support/worker-run.js';

const DIRECTORIES_AT_ONCE = 16;

describe('the tree of horrors, walked by a worker', () => {
  const place = new WorkerPlace();
  let recorded: Recorded;

  beforeAll(() => {
    plantHorrors(place.tree);
    expect(place.run()).toMatchObject({ code: 0 });
    recorded = place.recorded();
  });
  afterAll(() => place.remove());

  test('every regular file is recorded as find sees it: path bytes, size and time to the nanosecond', () => {
    const seen = seenByFind(place.tree);
    expect(seen.files.length).toBeGreaterThan(3500);
    expect(difference(recorded.files, seen.files)).toEqual([]);
  });

  test('hard links and holes are recorded as find sees them, and nothing of other files', () => {
    const seen = factsByFind(place.tree);
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(difference(recorded.facts, seen)).toEqual([]);
  });

  test('every directory is listed to its end, and its book balances', () => {
    const seen = seenByFind(place.tree);
    expect(difference([...recorded.directories.keys()], seen.directories)).toEqual([]);
    let others = 0;
    for (const [path, directory] of recorded.directories) {
      const { rows, entries = -1, subdirectories = 0, excluded = 0 } = directory;
      expect(directory.last, path).toBe(true);
      expect(rows.length + subdirectories + (directory.others ?? 0) + excluded, path).toBe(entries);
      others += directory.others ?? 0;
    }
    expect(others).toBe(seen.others);
  });

  test('what the worker says it scanned is what its records hold', () => {
    const bytes = recorded.files.reduce((sum, file) => sum + Number(file.split(' ')[0]), 0);
    expect(recorded.only('chunk.scanned')).toEqual({
      chunk: 1,
      attempt: 1,
      files: recorded.files.length,
      directories: recorded.directories.size,
      bytes,
      problems: 0,
    });
  });

  test('records stay near their size, a big directory goes over parts', () => {
    const parts = recorded.events
      .filter((event) => event.type === 'files.batch')
      .flatMap((event) => (event.data as { directories: { path: unknown; part: number }[] }).directories)
      .filter(({ path }) => path === `${place.tree}/many`)
      .map(({ part }) => part);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts).toEqual(parts.map((_, index) => index + 1));
    expect(Math.max(...recorded.sizes)).toBeLessThan(2 * RECORD_BYTES_TARGET);
  });

  test('the lister for slow mounts records the same', async () => {
    const { answers } = await listAll(place.tree);
    const held = new Recorded();
    for (const { dataJson } of answers) {
      if (dataJson !== null) held.batch(JSON.parse(dataJson) as EventData<'files.batch'>);
    }
    held.files.sort();
    expect(difference(held.files, recorded.files)).toEqual([]);
    expect(difference(held.facts, recorded.facts)).toEqual([]);
    expect(difference([...held.directories.keys()], [...recorded.directories.keys()])).toEqual([]);
  });
});

/** Drives a lister of the asynchronous kind as a walk does, with several directories at once. */
async function listAll(root: string): Promise<{ answers: ListerAnswer[] }> {
  const frontier = new Frontier([{ path: root, scope: 'subtree' }], () => false);
  const answers: ListerAnswer[] = [];
  let out = 0;
  await new Promise<void>((resolve) => {
    const pump = (): void => {
      const jobs = frontier.take(DIRECTORIES_AT_ONCE - out);
      out += jobs.length;
      if (jobs.length > 0) lister.list(jobs, DIRECTORIES_AT_ONCE);
      else if (out === 0) resolve();
    };
    const lister = new AsyncLister(listingContext(optionsFor(root)), (answer) => {
      answers.push(answer);
      if (answer.dataJson !== null) lister.acknowledge();
      out -= answer.done.length;
      for (const group of answer.found) frontier.add(group);
      pump();
    });
    pump();
  });
  return { answers };
}

function optionsFor(mountPath: string): ListerOptions {
  return {
    chunk: 1,
    attempt: 1,
    mountPath,
    mountDevice: null,
    checksum: 'none',
    exclude: [],
    excludeDirectories: [],
    oneFileSystem: false,
    ioTimeoutMs: 60_000,
  };
}
