import { readFileSync } from 'node:fs';
import { decodeLine, type RawRecord } from '../../journal/record.js';

const GOLDEN = new URL('../fixtures/golden-journal/journal/01KARA41R028T5CY4GNF6YY4HM/', import.meta.url);

/** The valid records of one segment of the golden journal, such as `coordinator/0001-0001.ndjson`. */
export function goldenRecords(segment: string): RawRecord[] {
  const lines = readFileSync(new URL(segment, GOLDEN), 'utf8').split('\n');
  return lines.flatMap((line) => {
    const decoded = decodeLine(Buffer.from(line));
    return decoded.ok ? [decoded.record] : [];
  });
}
