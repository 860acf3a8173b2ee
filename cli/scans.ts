import { listScanSummaries, type ScanSummary } from '../projections/scan-list.js';
import { formatBytes, formatLocalTime, plural, printable } from '../projections/text.js';
import type { CommonOptions } from './command-options.js';
import { dataDirToRead } from './data-dir.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { ScansJson } from './json/scans.js';
import { findLogs } from './log-files.js';
import { cutMiddle } from './columns.js';
import { missingFilesWords } from './format.js';
import { jsonSafe } from './table.js';

export async function runScans(options: CommonOptions, io: Io): Promise<ExitCode> {
  const dataDir = dataDirToRead(options.dataDir);
  const logOf = await findLogs(dataDir);
  const scans = (await listScanSummaries(dataDir)).map((scan) => ({ ...scan, log: logOf(scan.scan) }));
  io.json(jsonSafe({ scans }) satisfies ScansJson);
  if (scans.length === 0) io.out(`no scan yet in ${printable(dataDir)}\n`);
  else io.out(scans.map((scan) => describe(scan, io.columns)).join('\n'));
  return EXIT.done;
}

/** Short lines fit any terminal: a scan's id alone takes 26 columns. */
function describe(scan: ScanSummary & { log: string | null }, columns: number): string {
  const started = scan.startedAt === null ? 'start unknown' : formatLocalTime(Date.parse(scan.startedAt));
  const name = scan.mountName === '' ? 'former catalog' : (scan.mountName ?? '(name lost)');
  const what = `${printable(name)}  ${printable(scan.mountPath ?? '(path lost)')}`;
  const journal = `journal ${formatBytes(scan.journalBytes)}`;
  const counts =
    scan.mountPath === null
      ? `(numbers lost), ${journal}`
      : `${plural(scan.files, 'file')}, ${formatBytes(scan.bytes)}, ${journal}`;
  const missing = scan.missingFiles > 0;
  return [
    `${scan.scan}  ${started}  ${scan.outcome}${missing ? ', but' : ''}`,
    ...(missing ? [`  ${missingFilesWords(scan.missingFiles)}`] : []),
    `  ${cutMiddle(what, columns - 2)}`,
    `  ${cutMiddle(counts, columns - 2)}`,
    ...(scan.log === null ? [] : [`  ${printable(scan.log)}`]),
    '',
  ].join('\n');
}
