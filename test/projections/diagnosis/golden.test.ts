import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NOT_LIVE } from '../../../projections/diagnosis/index.js';
import { loadScan } from '../../../projections/diagnosis/load.js';

const FIXTURES = new URL('../../fixtures/', import.meta.url);
const expected = JSON.parse(readFileSync(new URL('golden-journal.expected.json', FIXTURES), 'utf8')) as {
  verdict: string;
  findings_of_severity_warning_or_error: string[];
};

test('a journal written by another program gets the verdict it should', async () => {
  const journalDir = fileURLToPath(new URL('golden-journal/journal', FIXTURES));
  const scan = '01KARA41R028T5CY4GNF6YY4HM';
  const { fold, report } = await loadScan(journalDir, { scan, dataDir: null });
  const diagnosis = fold.finish(report, NOT_LIVE);
  expect(diagnosis.verdict).toBe(expected.verdict);
  const grave = diagnosis.findings
    .filter((finding) => finding.severity !== 'info')
    .map((finding) => finding.code);
  expect(grave).toEqual(expected.findings_of_severity_warning_or_error);
  expect(diagnosis.totals).toMatchObject({ files: 6, directories: 3, problems: 1 });
  // The first attempt was killed and the second made it good.
  const killed = diagnosis.findings.find((finding) => finding.code === 'container.killed');
  expect(killed).toMatchObject({ severity: 'info', count: 1, evidence: [{ seq: 12 }] });
  expect(diagnosis.findings[0]?.evidence[0]?.file).toBe(`${scan}/worker-0002/0002-0002.ndjson`);
});
