import type { StatusSnapshot } from '../projections/status.js';
import type { CommonOptions } from './command-options.js';
import { dataPaths, dataDirToRead, type DataPaths } from './data-dir.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import { isOutputGone } from './output-guard.js';
import { pickScan } from './pick-scan.js';
import { Screen } from './screen.js';
import { StatusFeed } from './status-feed.js';
import { renderStatus } from './status-text.js';
import { runStatus } from './status.js';
import { formatBytes, formatCount, formatSeconds, plural, printable } from '../projections/text.js';

const REFRESH_MS = 1000;
const PLAIN_EVERY_MS = 10_000;
/** The lock is asked for less often than the journal is read: it opens a database. */
const LOCK_EVERY_MS = 3000;

/** The `monitor` command: the running scan, live, until it ends or the user does not want to see more. */
export async function runMonitor(options: CommonOptions, io: Io): Promise<ExitCode> {
  const paths = dataPaths(dataDirToRead(options.dataDir), options.dbName);
  const { scan, locked } = await pickScan(paths, undefined);
  if (scan === null || !locked || io.wantsJson) return runStatus(options, io);
  const feed = new StatusFeed(paths.journalDir, scan);
  const watch = io.stdoutIsTty ? watchScreen : watchPlain;
  try {
    const last = feed.snapshot(await watch(feed, paths, scan, io));
    io.out(`${renderStatus(last, { columns: io.columns, colour: io.colour }).join('\n')}\n`);
  } finally {
    await feed.close();
  }
  return EXIT.done;
}

/** Returns whether the scan still runs: the user has seen enough. */
async function watchScreen(feed: StatusFeed, paths: DataPaths, scan: string, io: Io): Promise<boolean> {
  const screen = new Screen();
  const alive = lockWatch(paths, scan);
  screen.open();
  try {
    while (!screen.left && !isOutputGone()) {
      const live = await alive();
      await feed.refresh(live);
      if (!live) return false;
      const { columns, rows } = screen.size;
      const lines = renderStatus(feed.snapshot(true), { columns, colour: io.colour });
      screen.draw([...lines.slice(0, rows - 2), '', 'q leaves; the scan goes on'].slice(0, rows));
      await screen.pause(REFRESH_MS);
    }
    return true;
  } finally {
    screen.close();
  }
}

async function watchPlain(feed: StatusFeed, paths: DataPaths, scan: string, io: Io): Promise<boolean> {
  const alive = lockWatch(paths, scan);
  let shown: { atMs: number; state: string } = { atMs: 0, state: '' };
  for (;;) {
    const live = await alive();
    await feed.refresh(live);
    if (!live || isOutputGone()) return live;
    const status = feed.snapshot(true);
    if (status.state !== shown.state || Date.now() - shown.atMs >= PLAIN_EVERY_MS) {
      io.out(`${plainLine(status)}\n`);
      shown = { atMs: Date.now(), state: status.state };
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

/** Whether the scan still runs; asked anew only now and then. */
function lockWatch(paths: DataPaths, scan: string): () => Promise<boolean> {
  let askedAtMs = 0;
  let live = true;
  return async () => {
    if (Date.now() - askedAtMs < LOCK_EVERY_MS) return live;
    askedAtMs = Date.now();
    const picked = await pickScan(paths, undefined);
    live = picked.locked && picked.scan === scan;
    return live;
  };
}

function plainLine(status: StatusSnapshot): string {
  const { chunks, remaining, pausedBecause } = status;
  if (pausedBecause !== null) return `${formatSeconds(status.seconds)}: paused, ${printable(pausedBecause)}`;
  const left = remaining.secondsLow === null ? '' : `, at least ${formatSeconds(remaining.secondsLow)} left`;
  return (
    `${formatSeconds(status.seconds)}: ${status.state}, ${plural(status.files, 'file')}, ${formatBytes(status.bytes)}, ` +
    `${formatCount(Math.round(status.filesPerSecond))} files/s, chunks ${chunks.completed} of ${chunks.planned}${left}`
  );
}
