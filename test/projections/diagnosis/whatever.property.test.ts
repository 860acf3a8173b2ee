import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diagnosisJson } from '../../../cli/diagnose-json.js';
import { diagnosisSchema } from '../../../cli/json/diagnose.js';
import { renderDiagnosis } from '../../../cli/diagnose-text.js';
import { renderPage } from '../../../cli/page/page.js';
import { ScanReader } from '../../../journal/reader.js';
import { DiagnosisFold, masked, type Diagnosis } from '../../../projections/diagnosis/index.js';
import { loadScan, type LoadedScan } from '../../../projections/diagnosis/load.js';
import { TimelineFold, type Timeline } from '../../../projections/timeline.js';
import { JournalOnDisk, type Step } from '../support/journal-on-disk.js';
import { Dice, emptyTree, grow, scanSteps } from '../support/made-up-scans.js';

// Several scans of growing trees: retries, epochs, parts, problems, names that are no UTF-8. Then anything happens to
// their files. Whatever it was, each scan still gets a report, and none that claims what its records do not prove.

const RUNS = Number(process.env['NAS_SCANNER_TEST_RUNS'] ?? 30);
const START_MS = Date.parse('2026-01-01');

interface Told {
  diagnosis: Diagnosis;
  sound: boolean;
}

const finish = ({ fold, report }: LoadedScan): Told => ({
  diagnosis: fold.finish(report),
  sound: report.sound,
});

/** Record by record, as it may take its time. */
async function slowly(journalDir: string, scan: string): Promise<{ loaded: LoadedScan; timeline: Timeline }> {
  const reader = new ScanReader({ journalDir, scan, hash: false, threads: 0 });
  const fold = new DiagnosisFold({ scan, dataDir: null });
  const timeline = new TimelineFold();
  for await (const batch of reader.batches()) {
    for (const read of batch) {
      const event = fold.push(read);
      if (event !== null) timeline.push(event, read.record);
    }
  }
  return { loaded: { fold, report: reader.report() }, timeline: timeline.finish() };
}

/** As `diagnose` does it, in all its forms; the result is that of the slow way. */
async function told(journalDir: string, scan: string): Promise<Told> {
  const timeline = new TimelineFold();
  const loaded = await loadScan(
    journalDir,
    { scan, dataDir: null },
    {
      record: ({ record }, event) => {
        if (event !== null) timeline.push(event, record);
      },
      batches: ({ batches, files }) => {
        if (batches !== null) timeline.pushFiles(files, batches.firstAt, batches.lastAt);
      },
    },
  );
  const { diagnosis, sound } = finish(loaded);
  const slow = await slowly(journalDir, scan);
  expect(diagnosis).toEqual(finish(slow.loaded).diagnosis);
  expect(loaded.report).toEqual(slow.loaded.report);
  const problems = [...loaded.fold.ledger.problems.directories()];
  const tops = loaded.fold.ledger.byTop();
  const byName = (a: { name: string | null }, b: { name: string | null }): number =>
    String(a.name) < String(b.name) ? -1 : 1;
  expect([...tops].sort(byName)).toEqual(slow.loaded.fold.ledger.byTop().sort(byName));
  expect(problems).toEqual([...slow.loaded.fold.ledger.problems.directories()]);
  const made = timeline.finish();
  expect({ ...made, filesPerSecond: [] }).toEqual({ ...slow.timeline, filesPerSecond: [] });
  const chunks = [...loaded.fold.facts.chunks.values()];
  const report = { diagnosis, timeline: made, live: null, show: masked(), problems, chunks, tops };
  diagnosisSchema.parse(diagnosisJson(report));
  expect(renderDiagnosis(report, { columns: 80, colour: false })).toContain(scan);
  expect(renderPage(report)).toContain('</html>');
  return { diagnosis, sound };
}

/** Scans whose last word tells the truth: what their records hold. */
async function write(seed: number, journalDir: string): Promise<string[]> {
  const dice = new Dice(seed);
  const tree = emptyTree();
  const journal = new JournalOnDisk(journalDir);
  const scans: string[] = [];
  for (let i = 0; i < 1 + dice.below(3); i += 1) {
    grow(dice, tree);
    const steps = scanSteps(dice, '/mnt', tree, START_MS + i * 3_600_000);
    const scan = steps[0]?.scan ?? '';
    scans.push(scan);
    const end = steps.findIndex(({ type }) => type === 'scan.completed');
    for (const step of steps.slice(0, end < 0 ? steps.length : end)) journal.append(step);
    if (end < 0) continue;
    const { files, directories, bytes, problems } = (
      await slowly(journalDir, scan)
    ).loaded.fold.ledger.totals();
    const last = steps[end] as Step;
    const data = { ...(last.data as object), files, directories, bytes: Number(bytes), problems };
    for (const step of [{ ...last, data }, ...steps.slice(end + 1)]) journal.append(step);
  }
  return scans;
}

/** Prefixes, flipped bits, zeros, gone files, one file's bytes in another, a stretch twice. */
function inflict(dice: Dice, journalDir: string): void {
  const files = readdirSync(journalDir, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ndjson'),
  );
  for (let harms = 1 + dice.below(3); harms > 0; harms -= 1) {
    const path = join(journalDir, dice.pick(files));
    const bytes = readFileSync(path, { flag: 'a+' });
    const at = dice.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + dice.below(600));
    const kind = dice.below(7);
    if (kind <= 1) writeFileSync(path, bytes.subarray(0, at));
    else if (kind === 2) writeFileSync(path, bytes.fill(0, at, to));
    else if (kind === 3) writeFileSync(path, Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]));
    else if (kind === 4) writeFileSync(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]));
    else if (kind === 5)
      writeFileSync(path, readFileSync(join(journalDir, dice.pick(files)), { flag: 'a+' }));
    else if (at < bytes.length) {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
      writeFileSync(path, bytes);
    }
    if (dice.chance(10)) rmSync(path);
  }
}

const isComplete = ({ verdict }: Diagnosis): boolean => verdict.startsWith('complete');

test('whatever happens to the files of several scans, each gets a report that claims no more than is proven', async () => {
  let complete = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const root = mkdtempSync(join(tmpdir(), 'nas-whatever-'));
      try {
        const scans = await write(seed, root);
        const before = new Map<string, Told>();
        for (const scan of scans) before.set(scan, await told(root, scan));
        complete += [...before.values()].filter(({ diagnosis }) => isComplete(diagnosis)).length;
        inflict(new Dice(seed + 1), root);
        for (const scan of scans.filter((each) => readdirSync(root).includes(each))) {
          const { diagnosis, sound } = await told(root, scan);
          const was = before.get(scan)?.diagnosis;
          const grave = diagnosis.findings.filter(({ severity }) => severity === 'error');
          if (!sound) {
            expect(grave.map(({ code }) => code).join()).toMatch(/journal\.(lost|damaged)/);
            expect(isComplete(diagnosis)).toBe(false);
          }
          if (!isComplete(diagnosis)) continue;
          expect(was === undefined ? null : isComplete(was)).toBe(true);
          const { files, directories, bytes, problems } = diagnosis.totals;
          expect(was?.totals).toMatchObject({ files, directories, bytes, problems });
        }
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
  // Else nothing above could have gone wrong.
  expect(complete).toBeGreaterThan(RUNS / 10);
});
