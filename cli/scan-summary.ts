import { formatBytes, formatSeconds, plural, printable } from '../projections/text.js';
import type { ScanJson } from './json/scan.js';
import { wrap } from './wrap.js';

/** Sentences are broken there, however wide the terminal; paths stay whole. */
const COLUMNS = 80;

export interface SummaryDetails {
  interruptedBy: NodeJS.Signals | null;
  failedChecks: { check: string; detail: string; advice: string }[];
  /** Why the catalog does not hold everything; null when it does. */
  catalogBehind: string | null;
  /** The disk of the journal stayed full for as long as room was waited for. */
  diskFull: boolean;
}

/** What a person reads when the scan is over. */
export function renderSummary(result: ScanJson, details: SummaryDetails): string {
  const lines = [headline(result, details), ''];
  lines.push(
    `  found     ${plural(result.files, 'file')} in ${plural(result.directories, 'directory', 'directories')}, ` +
      `${formatBytes(result.bytes)}, in ${formatSeconds(result.seconds)}`,
  );
  const { bytes, bytesOnDisk } = result;
  if (bytesOnDisk !== null && String(bytesOnDisk) !== String(bytes)) {
    lines.push(`  on disk   ${formatBytes(bytesOnDisk)}: hard links once, without holes`);
  }
  if (result.problems > 0)
    lines.push(`  problems  ${plural(result.problems, 'entry', 'entries')} could not be read`);
  if (result.chunks.completed < result.chunks.planned) {
    const { planned, completed, failed } = result.chunks;
    lines.push(`  chunks    ${completed} of ${planned} done${failed > 0 ? `, ${failed} failed` : ''}`);
  }
  lines.push(`  catalog   ${printable(result.catalog)}`);
  lines.push(`  journal   ${printable(result.journal)}`);
  lines.push(`  log       ${printable(result.log)}`);
  for (const { check, detail, advice } of details.failedChecks) {
    lines.push('', wrap(`${check}: ${printable(detail)}`, COLUMNS, '  '));
    if (advice !== '') lines.push(wrap(`What to do: ${printable(advice)}`, COLUMNS, '  '));
  }
  const next = nextStep(result, details);
  if (next !== null) lines.push('', wrap(printable(next), COLUMNS, '  '));
  return `${lines.join('\n')}\n`;
}

function headline(result: ScanJson, details: SummaryDetails): string {
  if (details.failedChecks.length > 0) return `Scan ${result.scan} could not begin`;
  if (details.interruptedBy !== null && result.outcome === 'incomplete')
    return `Scan ${result.scan} stopped by ${details.interruptedBy}; all it found is recorded`;
  if (result.outcome === 'complete') return `Scan ${result.scan} complete`;
  if (result.outcome === 'incomplete') return `Scan ${result.scan} is incomplete`;
  return result.files === 0
    ? `Scan ${result.scan} found no file at all`
    : `Scan ${result.scan} complete, with problems`;
}

function nextStep(result: ScanJson, details: SummaryDetails): string | null {
  if (details.diskFull)
    return 'The disk of the data directory stayed full: free some room there; the same command again goes on where it was.';
  const { interruptedBy } = details;
  const stoppedInScan = interruptedBy !== null && result.outcome === 'incomplete';
  if (details.catalogBehind !== null) {
    if (interruptedBy !== null && !stoppedInScan)
      return `The catalog is behind the journal (stopped by ${interruptedBy}): the next scan brings it up, or nas-scanner replay.`;
    return `The catalog is behind the journal (${details.catalogBehind}): nas-scanner replay rebuilds it.`;
  }
  if (stoppedInScan) return 'The same command again goes on where it was.';
  if (details.failedChecks.length > 0) return null;
  if (result.outcome === 'incomplete')
    return 'The same command again goes on; nas-scanner diagnose says what failed.';
  if (result.outcome === 'complete') return null;
  return 'nas-scanner diagnose shows what, why, and what to do.';
}
