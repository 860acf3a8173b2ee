import { describe, expect, test } from 'vitest';
import type { ScanJson } from '../../cli/json/scan.js';
import { renderSummary, type SummaryDetails } from '../../cli/scan-summary.js';

const COLUMNS = 80;
const RESULT: ScanJson = {
  scan: '01KARA41R028T5CY4GNF6YY4HM',
  outcome: 'incomplete',
  files: 1,
  directories: 1,
  bytes: 1,
  bytesOnDisk: 1,
  problems: 0,
  chunks: { planned: 1, completed: 0, failed: 1 },
  seconds: 1,
  engine: 'process',
  catalog: '/data/smart_catalog.db',
  journal: '/data/journal/01KARA41R028T5CY4GNF6YY4HM',
  log: '/data/smart_scan_20261123_181102.log',
};
const DETAILS: SummaryDetails = {
  interruptedBy: null,
  failedChecks: [],
  catalogBehind: null,
  diskFull: false,
};
const LOCKED = 'another program holds /data/smart_catalog.db, and does not let go of it (SQLITE_BUSY)';

describe('the summary of a scan fits a terminal of 80 columns', () => {
  test.each<[string, Partial<SummaryDetails>, RegExp]>([
    ['on a full disk', { diskFull: true }, /free some\s+room there/],
    ['with a catalog behind', { catalogBehind: LOCKED }, /nas-scanner\s+replay\s+rebuilds it/],
    ['incomplete', {}, /nas-scanner\s+diagnose\s+says what failed/],
  ])('%s', (_, details, words) => {
    const text = renderSummary(RESULT, { ...DETAILS, ...details });
    expect(text).toMatch(words);
    expect(text.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
  });

  test('nothing in the words of others reaches the terminal as it is', () => {
    expect(renderSummary(RESULT, { ...DETAILS, catalogBehind: 'a\u001b[2Jb' })).toContain('a\\x1b[2Jb');
  });
});
