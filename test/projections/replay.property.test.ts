import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Follow } from '../../projections/follow.js';
import { openForReading } from '../../projections/open-catalog.js';
import { replay } from '../../projections/runner.js';
import { JournalOnDisk, type Step } from './support/journal-on-disk.js';
import { Dice, emptyTree, grow, scanSteps } from './support/made-up-scans.js';
import { Reference } from './support/reference.js';
import { digestOf } from './support/digest-of.js';

const databaseName = 'catalog.db';
const RUNS = Number(process.env['NAS_SCANNER_TEST_RUNS'] ?? 12);

/** Path and size of every file, the path as bytes. */
function filesOf(path: string): Map<string, string> {
  const database = openForReading(path);
  try {
    const rows = database
      .prepare<[], { path: string; path_raw: Buffer | null; size: bigint }>(
        'SELECT path, path_raw, size FROM files',
      )
      .safeIntegers()
      .all();
    return new Map(
      rows.map(({ path: text, path_raw: raw, size }) => [
        (raw ?? Buffer.from(text)).toString('latin1'),
        String(size),
      ]),
    );
  } finally {
    database.close();
  }
}

/** What is told of few files, the path as bytes. */
function factsOf(path: string): Map<string, string> {
  const database = openForReading(path);
  try {
    const rows = database
      .prepare<[], { path: string; raw: Buffer | null; link: string | null; allocated: string | null }>(
        `SELECT p.path, f.path_raw AS raw, device || ' ' || inode || ' ' || links AS link, CAST(allocated AS TEXT) AS allocated
         FROM (SELECT directory, path FROM hard_links UNION SELECT directory, path FROM sparse_files) AS p
         LEFT JOIN hard_links AS h USING (directory, path) LEFT JOIN sparse_files AS s USING (directory, path)
         LEFT JOIN files AS f ON f.path = p.path`,
      )
      .all();
    return new Map(
      rows.map(({ path: text, raw, link, allocated }) => [
        (raw ?? Buffer.from(text)).toString('latin1'),
        `${link ?? '-'} ${allocated ?? '-'}`,
      ]),
    );
  } finally {
    database.close();
  }
}

/** Follows every scan whose records are there, as a program would that was killed after these steps. */
async function follow(dataDir: string, scans: readonly string[]): Promise<void> {
  for (const scan of scans) {
    const trouble: string[] = [];
    const follower = new Follow(
      { dataDir, databaseName, scan },
      {
        onOpened: () => undefined,
        onTrouble: (code, detail) => trouble.push(`${code} ${detail}`),
        onRecovered: () => undefined,
        onProgress: () => undefined,
      },
    );
    expect(await follower.drain({ timeoutMs: 20_000, patient: true })).toEqual({
      upToDate: true,
      detail: '',
    });
    await follower.close();
    // A catalog that is not there yet is built from earlier scans; nothing else may need that.
    expect(trouble.filter((line) => !line.includes('it is empty'))).toEqual([]);
  }
}

function madeUp(seed: number): Step[][] {
  const dice = new Dice(seed);
  const trees = [emptyTree(), emptyTree()];
  const scans: Step[][] = [];
  for (let i = 0; i < 1 + dice.below(4); i += 1) {
    const at = dice.below(4) === 0 ? 1 : 0;
    const tree = trees[at] ?? emptyTree();
    grow(dice, tree);
    scans.push(scanSteps(dice, at === 0 ? '/mnt' : '/other', tree, Date.parse('2026-01-01') + i * 3_600_000));
  }
  return scans;
}

const scansOf = (steps: readonly Step[]): string[] => [...new Set(steps.map((step) => step.scan))].sort();

test('a rebuild equals the contract, written down naively', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'nas-replay-'));
      try {
        const journal = new JournalOnDisk(join(dataDir, 'journal'));
        const reference = new Reference();
        for (const steps of madeUp(seed)) {
          for (const step of steps) journal.append(step);
          reference.scan(steps);
        }
        const { catalog } = await replay({ dataDir, databaseName });
        expect([...filesOf(catalog)].sort()).toEqual([...reference.files].sort());
        expect([...factsOf(catalog)].sort()).toEqual([...reference.facts].sort());
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS * 4 },
  );
});

test('a rebuild that another thread reads for equals one without', async () => {
  const built = new URL('../../dist/projections/runner.js', import.meta.url).href;
  const { replay: builtReplay } = (await import(built)) as { replay: typeof replay };
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'nas-replay-'));
      try {
        const journal = new JournalOnDisk(join(dataDir, 'journal'));
        for (const step of madeUp(seed).flat()) journal.append(step);
        const alone = await replay({ dataDir, databaseName });
        const to = join(dataDir, 'fed.db');
        const fed = await builtReplay({ dataDir, databaseName, to, threadFromBytes: 0 });
        expect(fed).toEqual({ ...alone, catalog: to, seconds: fed.seconds });
        expect(digestOf(to)).toEqual(digestOf(alone.catalog));
        // Nothing of what the threads shared is left.
        expect(readdirSync(dataDir).sort()).toEqual([databaseName, 'fed.db', 'journal'].sort());
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
});

test('a rebuild equals following, equals a rebuild of any prefix plus following the rest', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(fc.nat(999), { maxLength: 4 }), async (seed, cuts) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'nas-replay-'));
      try {
        const journal = new JournalOnDisk(join(dataDir, 'journal'));
        const steps = madeUp(seed).flat();
        const ends = cuts.map((cut) => Math.floor((cut * steps.length) / 1000)).sort((a, b) => a - b);
        let done = 0;
        for (const [i, end] of [...ends, steps.length].entries()) {
          for (const step of steps.slice(done, end)) journal.append(step);
          const touched = scansOf(steps.slice(done, end));
          done = end;
          if (touched.length === 0) continue;
          // The first prefix is rebuilt, every other one followed.
          if (i === 0 && ends.length > 0) await replay({ dataDir, databaseName });
          else await follow(dataDir, touched.slice(-1));
        }
        const to = join(dataDir, 'rebuilt.db');
        await replay({ dataDir, databaseName, to });
        expect(digestOf(join(dataDir, databaseName))).toEqual(digestOf(to));
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
});
