import { StatusFold } from '../projections/status.js';
import type { CommonOptions } from './command-options.js';
import { dataPaths, dataDirToRead } from './data-dir.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import { pickScan } from './pick-scan.js';
import { StatusFeed } from './status-feed.js';
import { statusJson } from './status-json.js';
import { renderStatus } from './status-text.js';

/** The `status` command: the running scan or, when none runs, the last one, as of now. */
export async function runStatus(options: CommonOptions, io: Io): Promise<ExitCode> {
  const paths = dataPaths(dataDirToRead(options.dataDir), options.dbName);
  const { scan, locked } = await pickScan(paths, undefined);
  if (scan === null) {
    const none = { ...new StatusFold().snapshot(Date.now(), false), missingFiles: 0 };
    io.json(statusJson(none));
    io.out(renderStatus(none, { columns: io.columns, colour: io.colour }).join('\n') + '\n');
    return EXIT.done;
  }
  const feed = new StatusFeed(paths.journalDir, scan);
  try {
    await feed.refresh(locked);
    const snapshot = feed.snapshot(locked);
    io.json(statusJson(snapshot));
    io.out(renderStatus(snapshot, { columns: io.columns, colour: io.colour }).join('\n') + '\n');
  } finally {
    await feed.close();
  }
  return EXIT.done;
}
