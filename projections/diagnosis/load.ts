import type { JournalEvent } from '../../journal/events/index.js';
import { ScanReader, type ReadRecord } from '../../journal/reader.js';
import type { ScanReport } from '../../journal/recovery.js';
import { DiagnosisFold, type DiagnosisOptions } from './index.js';

export interface LoadedScan {
  fold: DiagnosisFold;
  report: ScanReport;
}

/**
 * Reads one scan at rest into a diagnosis. A scan that runs can be read too: it is then diagnosed as of now.
 * @param also sees every record as well, for whoever wants more from the same pass
 * @throws JournalError `io`
 */
export async function loadScan(
  journalDir: string,
  options: DiagnosisOptions & { scan: string },
  also?: (read: ReadRecord, event: JournalEvent | null) => void,
): Promise<LoadedScan> {
  // A seal's hash says no more than the checksums of its records do; `verify` recomputes it.
  const reader = new ScanReader({ journalDir, scan: options.scan, hash: false });
  const fold = new DiagnosisFold(options);
  for await (const batch of reader.batches()) {
    for (const read of batch) {
      const event = fold.push(read);
      also?.(read, event);
    }
  }
  return { fold, report: reader.report() };
}
