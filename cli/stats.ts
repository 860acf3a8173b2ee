import { existsSync } from 'node:fs';
import { readStats, type CatalogStats, type FileLine } from '../projections/stats.js';
import { formatBytes, formatCount, formatLocalTime, plural, printable } from '../projections/text.js';
import type { CommonOptions } from './command-options.js';
import { dataPaths, dataDirToRead } from './data-dir.js';
import { CommandError } from './errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { StatsJson } from './json/stats.js';
import { cutMiddle } from './columns.js';
import { jsonSafe, table } from './table.js';
import { paragraph } from './wrap.js';

export function runStats(options: CommonOptions, io: Io): Promise<ExitCode> {
  const { catalog } = dataPaths(dataDirToRead(options.dataDir), options.dbName);
  const stats = read(catalog);
  io.json(jsonSafe(stats) satisfies StatsJson);
  if (!io.wantsJson) io.out(render(catalog, stats, io.columns));
  return Promise.resolve(EXIT.done);
}

function read(catalog: string): CatalogStats {
  try {
    return readStats(catalog);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'catalog-missing' && code !== 'catalog-unwritable') throw error;
    if (existsSync(catalog)) {
      throw new CommandError(`the catalog cannot be opened: ${(error as Error).message}`, {
        hint: 'SQLite has to write beside it, even to read: run this as the owner of its folder, or where it can be written',
        cause: error,
      });
    }
    throw new CommandError(`there is no catalog at ${catalog}`, {
      hint: 'scan something first; nas-scanner replay makes it anew from a journal',
      cause: error,
    });
  }
}

function render(catalog: string, stats: CatalogStats, columns: number): string {
  const count = (totals: { files: bigint; bytes: bigint }): string[] => [
    formatCount(totals.files),
    formatBytes(totals.bytes),
  ];
  const part = (bytes: bigint): string =>
    stats.bytes === 0n ? '' : `${(Number((bytes * 1000n) / stats.bytes) / 10).toFixed(1)} %`;
  const totals = (title: string, rows: [string, { files: bigint; bytes: bigint }][]): string =>
    table(
      [title, 'files', 'size', 'share'],
      rows.map(([name, of]) => [printable(name === '' ? '(none)' : name), ...count(of), part(of.bytes)]),
      columns,
    );
  const blocks = [
    `${cutMiddle(printable(catalog), columns)}\n${plural(stats.files, 'file')}, ${formatBytes(stats.bytes)}\n${diskLines(stats, columns)}`,
    totals(
      'by type',
      stats.types.map((each) => [each.type, each]),
    ),
    totals(
      'by mount',
      stats.mounts.map((each) => [each.name, each]),
    ),
    totals(
      'largest directories (their own files)',
      stats.largestDirectories.map((each) => [each.path, each]),
    ),
    fileTable('largest files', stats.largestFiles, columns),
    fileTable('newest files', stats.newest, columns),
    fileTable('oldest files', stats.oldest, columns),
  ];
  return blocks.filter((block) => block !== '').join('\n');
}

/** What the sum of all sizes does not tell; nothing where there is nothing to tell. */
function diskLines({ disk }: CatalogStats, columns: number): string {
  if (disk === null) return '';
  const { hardLinks, sparse, bytesOnDisk } = disk;
  const lines: string[] = [];
  if (hardLinks.paths > 0n) {
    const once = `the same content again: ${formatBytes(hardLinks.repeatedBytes)}`;
    lines.push(`${plural(hardLinks.paths, 'path')} of files with several names; ${once}`);
  }
  if (hardLinks.unidentified > 0n) {
    const paths = plural(hardLinks.unidentified, 'such path');
    lines.push(`${paths} where inode numbers identify nothing (FUSE, network): each counts in full`);
  }
  if (sparse.files > 0n) {
    const of = `${formatBytes(sparse.allocatedBytes)} allocated of ${formatBytes(sparse.apparentBytes)}`;
    lines.push(`${plural(sparse.files, 'file')} with holes or compressed: ${of}`);
  }
  if (lines.length > 0) lines.push(`on disk, each file once: ${formatBytes(bytesOnDisk)}`);
  return lines.map((line) => `${paragraph(line, columns)}\n`).join('');
}

function fileTable(title: string, lines: readonly FileLine[], columns: number): string {
  const rows = lines.map(({ path, size, mtime }) => [
    printable(path),
    formatBytes(size),
    mtime === null ? '' : formatLocalTime(mtime * 1000),
  ]);
  return table([title, 'size', 'changed'], rows, columns);
}
