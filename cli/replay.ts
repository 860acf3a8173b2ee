import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { listScans } from '../journal/segments.js';
import type { ScanReport } from '../journal/recovery.js';
import { importFormerCatalog } from '../projections/import.js';
import { keepUnreadable, keptText } from '../projections/keep-aside.js';
import { replay, type ReplayOptions as RunnerOptions, type ReplayResult } from '../projections/runner.js';
import { listScanSummaries } from '../projections/scan-list.js';
import { formatCount, formatSeconds, plural, printable } from '../projections/text.js';
import type { ReplayOptions } from './command-options.js';
import { holdDataDir } from './data-dir-lock.js';
import { dataPaths, DATABASE_NAME_DEFAULT, dataDirToRead } from './data-dir.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { ifKnown } from './if-known.js';
import type { Io } from './io.js';
import type { ReplayJson } from './json/replay.js';
import { checkKnown } from './scan-id.js';
import { replayProgress } from './replay-progress.js';
import { stoppable } from './signals.js';
import { paragraph } from './wrap.js';

/** Places of a journal that are told one by one; more are counted. */
const PLACES_SHOWN_MAX = 20;

export async function runReplay(options: ReplayOptions, io: Io): Promise<ExitCode> {
  const dataDir = dataDirToRead(options.dataDir);
  const databaseName = options.dbName ?? DATABASE_NAME_DEFAULT;
  const paths = dataPaths(dataDir, databaseName);
  if (!existsSync(paths.journalDir) && !existsSync(paths.catalog)) {
    throw new CommandError(`there is no journal in ${dataDir}`, {
      hint: 'scan something first, or say with --data-dir where the journal is',
    });
  }
  const scans = await listScans(paths.journalDir);
  for (const wanted of [...(options.scan ?? []), options.until?.scan]) checkKnown(scans, wanted, dataDir);
  const inPlace = options.to === undefined || resolve(options.to) === paths.catalog;
  // Whoever replaces the catalog must be alone; a copy elsewhere disturbs nobody.
  const lock = inPlace
    ? holdDataDir(dataDir, 'Its catalog cannot be replaced now; replay --to FILE builds one beside it.')
    : null;
  try {
    const imported = inPlace ? await importFormerCatalog({ dataDir, databaseName }) : null;
    if (imported !== null && !io.quiet) {
      io.err(`took ${plural(imported.rows, 'row')} of a former catalog into the journal\n`);
    }
    const kept = inPlace ? keepUnreadable(paths.catalog) : null;
    if (kept !== null) {
      const line = `${printable(paths.catalog)} cannot be read; ${keptText(kept)}`;
      io.err(`${io.stderrIsTty ? paragraph(line, io.columns) : line}\n`);
    }
    const begun = await scansBegun(options, scans, dataDir);
    const result = await run({ ...options, ...begun }, io, {
      dataDir,
      databaseName,
      ...(inPlace ? {} : { to: options.to }),
    });
    report(result, io);
    return result.sound ? EXIT.done : EXIT.unsound;
  } finally {
    lock?.release();
  }
}

/** Of the scans that are asked for, those that had begun by `--until TIME`; nothing where no time is given. */
async function scansBegun(
  { scan: wanted, until }: ReplayOptions,
  all: readonly string[],
  dataDir: string,
): Promise<{ scan?: string[] }> {
  const timeMs = until?.timeMs;
  if (timeMs === undefined) return {};
  const summaries = (await ifKnown(() => listScanSummaries(dataDir))) ?? [];
  const later = summaries.filter(({ startedAt }) => startedAt !== null && Date.parse(startedAt) > timeMs);
  const left = new Set(later.map(({ scan }) => scan));
  return { scan: (wanted ?? all).filter((scan) => !left.has(scan)) };
}

async function run(
  options: ReplayOptions,
  io: Io,
  place: { dataDir: string; databaseName: string; to?: string | undefined },
): Promise<ReplayResult> {
  const progress = replayProgress(io);
  const { to, ...rest } = place;
  const runner: RunnerOptions = {
    ...rest,
    ...(to === undefined ? {} : { to }),
    ...(options.scan === undefined ? {} : { scans: options.scan }),
    ...(options.until === undefined ? {} : { until: options.until }),
    onProgress: (at) => progress.show(at),
  };
  try {
    return await stoppable('stopped before the catalog was built; the one that is there stays', (signal) =>
      replay({ ...runner, signal }),
    );
  } finally {
    progress.clear();
  }
}

function report(result: ReplayResult, io: Io): void {
  const { scans, records, files, skipped, seconds, catalog } = result;
  io.json({ scans, records, files, skipped, seconds, catalog, sound: result.sound } satisfies ReplayJson);
  const told = (text: string): string => `${paragraph(text, io.columns)}\n`;
  if (!io.quiet) {
    io.out(
      told(
        `${printable(catalog)}: ${plural(files, 'file')} from ${plural(records, 'record')} of ` +
          `${plural(scans, 'scan')} in ${formatSeconds(seconds)}`,
      ),
    );
    if (skipped > 0)
      io.out(told(`${plural(skipped, 'record')} of a kind this program does not know went unused`));
  }
  for (const line of missing(result.reports)) io.err(told(line));
}

/** What of the journal could not be replayed, place by place. */
function missing(reports: readonly ScanReport[]): string[] {
  const lines: string[] = [];
  for (const { segments } of reports) {
    for (const segment of segments) {
      if (segment.state !== 'damaged' && segment.state !== 'lost') continue;
      const gaps = segment.lost.map(({ fromSeq, toSeq }) =>
        fromSeq === toSeq ? `record ${fromSeq}` : `records ${fromSeq} to ${toSeq}`,
      );
      const what = gaps.length > 0 ? `: ${gaps.join(', ')} missing` : '';
      lines.push(`journal ${segment.state}: ${segment.file}${what}`);
    }
  }
  if (lines.length <= PLACES_SHOWN_MAX) return lines;
  const more = formatCount(lines.length - PLACES_SHOWN_MAX);
  return [...lines.slice(0, PLACES_SHOWN_MAX), `and ${more} more; nas-scanner verify lists them`];
}
