import type { JournalWriterOptions } from '../../journal/writer.js';

/** How a coordinator opens the journal of a scan that nobody has written before. */
export function asCoordinator(
  journalDir: string,
  scan: string,
  more: Partial<JournalWriterOptions> = {},
): JournalWriterOptions {
  return {
    journalDir,
    scan,
    writer: 'coordinator',
    hostname: 'tower',
    epoch: 1,
    previous: null,
    coordinator: null,
    ...more,
  };
}
