import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventData } from '../../journal/events/index.js';
import { RECORD_BYTES_TARGET } from '../../journal/record.js';
import { plantHorrors } from '../support/horrors.js';
import { listingContext } from '../../src/walk/listing.js';
import { listAtOnce, listerOptions } from '../support/async-listing.js';
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
    const context = listingContext(listerOptions(place.tree, 'none'));
    const answers = await listAtOnce(context, DIRECTORIES_AT_ONCE);
    const held = new Recorded();
    for (const { data } of answers) {
      if (data !== null) held.batch(JSON.parse(Buffer.from(data).toString()) as EventData<'files.batch'>);
    }
    held.files.sort();
    expect(difference(held.files, recorded.files)).toEqual([]);
    expect(difference(held.facts, recorded.facts)).toEqual([]);
    expect(difference([...held.directories.keys()], [...recorded.directories.keys()])).toEqual([]);
  });
});
