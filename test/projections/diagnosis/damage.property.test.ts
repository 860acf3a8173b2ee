import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { masked, type Diagnosis } from '../../../projections/diagnosis/index.js';
import { loadScan } from '../../../projections/diagnosis/load.js';
import { TimelineFold } from '../../../projections/timeline.js';
import { diagnosisJson } from '../../../cli/diagnose-json.js';
import { diagnosisSchema } from '../../../cli/json/diagnose.js';
import { renderDiagnosis } from '../../../cli/diagnose-text.js';
import { renderPage } from '../../../cli/page/page.js';

const GOLDEN = fileURLToPath(new URL('../../fixtures/golden-journal/journal', import.meta.url));
const SCAN = '01KARA41R028T5CY4GNF6YY4HM';
/** Its unfinished last line was never acknowledged: whatever becomes of it, the scan is whole. */
const TORN = 'worker-0002/0001-0001.ndjson';
const FILES = [
  'coordinator/0001-0001.ndjson',
  'coordinator/0001-0002.ndjson',
  'worker-0001/0001-0001.ndjson',
  TORN,
  'worker-0002/0002-0001.ndjson',
  'worker-0002/0002-0002.ndjson',
];
const root = mkdtempSync(join(tmpdir(), 'nas-scanner-damage-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

type Harm = { file: string } & (
  | { kind: 'cut'; at: number }
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'delete' }
  | { kind: 'zeros'; at: number }
);

const file = fc.constantFrom(...FILES);
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), file, at: place }),
  fc.record({ kind: fc.constant('flip' as const), file, at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('zeros' as const), file, at: place }),
  fc.record({ kind: fc.constant('delete' as const), file }),
);

function inflict(journalDir: string, each: Harm): void {
  const path = join(journalDir, SCAN, each.file);
  if (each.kind === 'delete') {
    rmSync(path, { force: true });
    return;
  }
  const bytes = readFileSync(path, { flag: 'a+' });
  const at = Math.floor(each.at * bytes.length);
  if (each.kind === 'cut') writeFileSync(path, bytes.subarray(0, at));
  else if (each.kind === 'zeros') writeFileSync(path, bytes.fill(0, at, Math.min(at + 300, bytes.length)));
  else {
    const byte = bytes[at];
    if (byte !== undefined) bytes[at] = byte ^ (1 << each.bit);
    writeFileSync(path, bytes);
  }
}

/** The whole way of `diagnose --offline`, in all three forms. */
async function diagnose(journalDir: string): Promise<Diagnosis> {
  const show = masked();
  const { fold, report } = await loadScan(journalDir, { scan: SCAN, dataDir: null, show });
  const diagnosis = fold.finish(report);
  const full = {
    diagnosis,
    timeline: new TimelineFold().finish(),
    live: null,
    show,
    problems: [],
    chunks: [...fold.facts.chunks.values()],
    tops: fold.ledger.byTop(),
  };
  diagnosisSchema.parse(diagnosisJson(full));
  expect(renderDiagnosis(full, { columns: 80, colour: false })).toContain(SCAN);
  expect(renderPage(full)).toContain('</html>');
  return diagnosis;
}

test('whatever is cut, flipped, zeroed or deleted: a report, and never a wrong "complete"', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 3 }), async (harms) => {
      const journalDir = join(root, String((run += 1)));
      cpSync(GOLDEN, journalDir, { recursive: true });
      for (const each of harms) inflict(journalDir, each);
      const changed = FILES.filter((each) => each !== TORN && hasChanged(journalDir, each));
      const { verdict, totals, findings } = await diagnose(journalDir);
      rmSync(journalDir, { recursive: true });
      if (changed.length > 0) {
        expect(['incomplete', 'killed']).toContain(verdict);
        expect(findings.some(({ severity }) => severity === 'error')).toBe(true);
      } else if (verdict === 'complete-with-problems')
        expect(totals).toMatchObject({ files: 6, directories: 3 });
      expect(verdict).not.toBe('complete');
    }),
    { numRuns: 60, seed: 20261124 },
  );
});

/** A missing last line feed changes nothing: the record before it is whole. */
function hasChanged(journalDir: string, each: string): boolean {
  const before = readFileSync(join(GOLDEN, SCAN, each));
  try {
    const after = readFileSync(join(journalDir, SCAN, each));
    return !after.equals(before) && !after.equals(before.subarray(0, -1));
  } catch {
    return true; // deleted
  }
}

test('any prefix of the coordinator alone is a killed scan, or none that began', async () => {
  const [first = '', second = ''] = FILES;
  const bytes = [first, second].map((each) => readFileSync(join(GOLDEN, SCAN, each)));
  const total = (bytes[0]?.length ?? 0) + (bytes[1]?.length ?? 0);
  for (let cut = 0; cut < total - 1; cut += 397) {
    const journalDir = join(root, `prefix-${cut}`);
    cpSync(GOLDEN, journalDir, { recursive: true });
    const inFirst = Math.min(cut, bytes[0]?.length ?? 0);
    writeFileSync(join(journalDir, SCAN, first), bytes[0]?.subarray(0, inFirst) ?? '');
    writeFileSync(join(journalDir, SCAN, second), bytes[1]?.subarray(0, cut - inFirst) ?? '');
    const { verdict } = await diagnose(journalDir);
    expect(['killed', 'incomplete'], `cut at ${cut}`).toContain(verdict);
    rmSync(journalDir, { recursive: true });
  }
});
