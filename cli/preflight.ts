import { newId } from '../journal/ids.js';
import { listScans } from '../journal/segments.js';
import { isDataDirLocked } from '../projections/lock.js';
import { printable } from '../projections/text.js';
import type { Check } from '../src/health/check.js';
import { probeMount } from '../src/health/mount.js';
import type { ScanOptions } from './command-options.js';
import { dataPaths, resolveDataDir, type DataPaths } from './data-dir.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { PreflightJson } from './json/preflight.js';
import { engineFor, preflightChecks } from './preflight-checks.js';
import { wrap } from './wrap.js';

const COLUMNS_MAX = 80;
/** `FAIL  leftovers  `: what stands before each detail. */
const INDENT = ' '.repeat(17);

/** The `preflight` command: every check of a scan, without scanning. */
export async function runPreflight(options: ScanOptions, io: Io): Promise<ExitCode> {
  const paths = dataPaths(resolveDataDir(options.dataDir), options.dbName);
  const choice = await engineFor(options, paths, () => null);
  const alive = await runningScan(paths);
  const checks: Check[] = [];
  try {
    const all = preflightChecks(options, paths, {
      mount: probeMount(options.mountPath, options.ioTimeoutMs),
      choice,
      scan: newId(),
      attempt: 0,
      isAlive: (scan) => scan === alive,
      record: () => Promise.resolve(),
    });
    for await (const check of all) {
      checks.push(check);
      if (!io.quiet || !check.ok) io.out(renderCheck(check, Math.min(io.columns, COLUMNS_MAX)));
    }
  } finally {
    await choice.engine?.close();
  }
  const ok = checks.every((check) => check.ok || !check.fatal);
  io.json({ ok, checks: checks.map(({ fatal: _fatal, ...check }) => check) } satisfies PreflightJson);
  if (!io.quiet) io.out(ok ? '\nA scan can begin.\n' : '\nA scan cannot begin: see FAIL above.\n');
  return ok ? EXIT.done : EXIT.failed;
}

/** The scan that holds the data directory now, if one does: the newest. */
async function runningScan(paths: DataPaths): Promise<string | null> {
  if (!isDataDirLocked(paths.dataDir)) return null;
  return (await listScans(paths.journalDir)).at(-1) ?? null;
}

/** One check for people: a word, its name, what was found, and below what to do. */
function renderCheck(check: Check, columns: number): string {
  const word = check.ok ? (check.advice === '' ? 'ok' : 'WARN') : 'FAIL';
  const head = `${word.padEnd(6)}${check.check.padEnd(11)}`;
  const detail = wrap(printable(check.detail), columns, INDENT).slice(INDENT.length);
  const advice = check.advice === '' ? '' : `${wrap(`-> ${printable(check.advice)}`, columns, INDENT)}\n`;
  return `${head}${detail}\n${advice}`;
}
