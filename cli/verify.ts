import { existsSync } from 'node:fs';
import { recoverScan, type ScanReport, type SegmentReport } from '../journal/recovery.js';
import { listScans } from '../journal/segments.js';
import { formatBytes, formatCount, printable } from '../projections/text.js';
import type { VerifyOptions } from './command-options.js';
import { dataDirToRead, dataPaths, type DataPaths } from './data-dir.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { VerifyJson } from './json/verify.js';
import { ifKnown } from './if-known.js';
import { paint, type Paint } from './paint.js';
import { checkKnown } from './scan-id.js';
import { table } from './table.js';
import { compareCatalog, lookAtCatalog, type CatalogAgreement } from './verify-catalog.js';
import { explain } from './verify-explain.js';
import { madeGood } from './verify-made-good.js';
import { hang, paragraph } from './wrap.js';

/** A journal up to this size is replayed in well under two seconds. */
const COMPARED_BYTES_MAX = 16 * 1024 ** 2;

/** Reads every record of every scan (or of one) and says what is sound. Modifies nothing. */
export async function runVerify(options: VerifyOptions, io: Io): Promise<ExitCode> {
  const paths = dataPaths(dataDirToRead(options.dataDir), options.dbName);
  const { dataDir, journalDir } = paths;
  const all = await listScans(journalDir);
  checkKnown(all, options.scan, dataDir);
  const colours = paint(io.colour);
  const reports: ScanReport[] = [];
  for (const scan of options.scan === undefined ? all : [options.scan]) {
    const report = await recoverScan(journalDir, scan);
    reports.push(report);
    if (!io.wantsJson && (!io.quiet || !report.sound))
      io.out(await describeScan(journalDir, report, io, colours));
  }
  const sound = reports.every((report) => report.sound);
  const records = reports.reduce((sum, report) => sum + report.records, 0);
  const last = reports.at(-1);
  const view = await catalogView(options, paths, reports);
  io.json({
    sound,
    records,
    segments: reports.flatMap(({ segments }) => segments),
    unknownTypes: sumOf(reports.map(({ unknownTypes }) => unknownTypes)),
    newerVersions: sumOf(reports.map(({ newerVersions }) => newerVersions)),
    catalog: view,
  } satisfies VerifyJson);
  if (last === undefined)
    io.out(`no scan yet in ${printable(existsSync(journalDir) ? journalDir : dataDir)}\n`);
  else if (!io.wantsJson && (!io.quiet || !sound)) {
    const good = await ifKnown(() => madeGood(dataDir, reports));
    const lines = summary(reports, good ?? new Map(), records, view, colours);
    io.out(`${lines.map((line) => paragraph(line, io.columns)).join('\n')}\n`);
  }
  return sound ? EXIT.done : EXIT.unsound;
}

/** A catalog that seems to hold everything is compared row by row where that takes no more than a moment. */
async function catalogView(
  options: VerifyOptions,
  paths: DataPaths,
  reports: readonly ScanReport[],
): Promise<CatalogAgreement | null> {
  const { dataDir, databaseName } = paths;
  if (options.catalog) return compareCatalog(dataDir, databaseName);
  const last = reports.at(-1);
  if (last === undefined) return null;
  const view = await lookAtCatalog(paths, last);
  if (view?.state !== 'agrees' || options.scan !== undefined) return view;
  if (!reports.every((report) => report.sound) || bytesOf(reports) > COMPARED_BYTES_MAX) return view;
  const compared = await compareCatalog(dataDir, databaseName);
  return compared.state === 'unknown' ? view : compared;
}

function bytesOf(reports: readonly ScanReport[]): number {
  return reports.flatMap(({ segments }) => segments).reduce((sum, { goodBytes }) => sum + goodBytes, 0);
}

async function describeScan(journalDir: string, report: ScanReport, io: Io, colours: Paint): Promise<string> {
  const rows = report.segments.map((segment) => [
    segment.file.slice(report.scan.length + 1),
    segment.state,
    formatCount(segment.records),
    formatBytes(segment.goodBytes),
    segment.badBytes === 0 ? '' : formatBytes(segment.badBytes),
  ]);
  const lines = [
    `${colours.plain(`scan ${report.scan}`)}  ${report.sound ? colours.good('sound') : colours.bad('not sound')}`,
    table(['segment', 'state', 'records', 'good', 'bad'], rows, io.columns).trimEnd(),
  ];
  for (const segment of report.segments.filter(isTelling))
    lines.push(
      ...(await explain(journalDir, report, segment)).map((line, i) =>
        i === 0 ? colourOf(segment, colours)(paragraph(line, io.columns)) : hang('  ', line, io.columns),
      ),
    );
  const unknown = listOf(report.unknownTypes);
  if (unknown !== '')
    lines.push(
      paragraph(`events of a kind this program does not know, kept and passed over: ${unknown}`, io.columns),
    );
  const newer = listOf(report.newerVersions);
  if (newer !== '')
    lines.push(
      paragraph(
        `events of a newer version than this program knows, for a newer program to read: ${newer}`,
        io.columns,
      ),
    );
  return `${lines.join('\n')}\n\n`;
}

function listOf(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([key, count]) => `${key} (${formatCount(count)})`)
    .join(', ');
}

function isTelling({ state }: SegmentReport): boolean {
  return state === 'damaged' || state === 'lost' || state === 'torn';
}

function colourOf({ state }: SegmentReport, colours: Paint): (text: string) => string {
  return state === 'torn' ? colours.warn : colours.bad;
}

function summary(
  reports: readonly ScanReport[],
  good: ReadonlyMap<string, string>,
  records: number,
  view: CatalogAgreement | null,
  colours: Paint,
): string[] {
  const segments = reports.reduce((sum, report) => sum + report.segments.length, 0);
  const unsound = reports.filter((report) => !report.sound);
  const counts = `${formatCount(records)} records in ${formatCount(segments)} segments`;
  const lines = [
    unsound.length === 0
      ? `${colours.good('The journal is sound:')} ${counts}.`
      : `${colours.bad('The journal is not sound:')} ${counts} are good; what is missing is named above.`,
  ];
  for (const [scan, later] of good)
    lines.push(`${scan}: nothing is missing any more; scan ${later} has read all of its mount again.`);
  if (unsound.length > good.size)
    lines.push(
      'What to do: scan the same mount again (an unfinished scan goes on; only what is missing is read anew), ' +
        'then nas-scanner replay. Look after the disk: a journal does not get damaged by a crash.',
    );
  else if (unsound.length > 0)
    lines.push('What to do: look after the disk: a journal does not get damaged by a crash.');
  if (view !== null) lines.push(`Catalog: ${view.state === 'agrees' ? 'agrees with it' : view.detail}.`);
  return lines;
}

function sumOf(counts: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const each of counts)
    for (const [key, count] of Object.entries(each)) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}
