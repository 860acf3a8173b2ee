import {
  formatBytes,
  formatCount,
  formatLocalTime,
  formatSeconds,
  plural,
  printable,
} from '../projections/text.js';
import type { Finding } from '../projections/diagnosis/index.js';
import type { DiagnosisReport } from './diagnosis-report.js';
import { renderLive } from './diagnose-live-text.js';
import { paint, type Paint } from './paint.js';
import { renderTimeline } from './timeline-text.js';
import { cutStart } from './columns.js';
import { hang } from './wrap.js';

const WIDTH_MAX = 100;
/** Records shown for a finding; `--json` has them all. */
const EVIDENCE_SHOWN = 2;

export interface TextOptions {
  columns: number;
  colour: boolean;
}

/** The report for a terminal: verdict, findings from the worst down, timeline, what is seen now. */
export function renderDiagnosis(report: DiagnosisReport, options: TextOptions): string {
  const width = Math.max(40, Math.min(WIDTH_MAX, options.columns));
  const colours = paint(options.colour);
  const { diagnosis } = report;
  if (diagnosis.scan === null) return `${diagnosis.sentence}\n  nas-scanner scan PATH NAME begins one.\n`;
  const grave = diagnosis.findings.filter((finding) => finding.severity !== 'info');
  const light = diagnosis.findings.filter((finding) => finding.severity === 'info');
  const blocks = [
    head(report, width),
    verdictBlock(report, width, colours),
    grave.map((finding, index) => findingBlock(finding, index + 1, width, colours)).join('\n'),
    lightBlock(light, width, colours),
    renderTimeline(report.timeline, width),
    renderLive(report, width),
  ];
  return blocks.filter((block) => block !== '').join('\n');
}

function head({ diagnosis, show }: DiagnosisReport, width: number): string {
  const mount = diagnosis.mountPath === null ? '(path lost)' : show.path(diagnosis.mountPath);
  const title = `Scan ${diagnosis.scan ?? ''}`;
  const times =
    diagnosis.startedAt === null
      ? 'its start is not known'
      : `${formatLocalTime(Date.parse(diagnosis.startedAt))}, ${formatSeconds(diagnosis.totals.seconds)}`;
  const name = diagnosis.mountPath === null ? '(name lost)' : printable(diagnosis.mountName);
  return `${title}\n${cutStart(`${name}  ${mount}`, width)}\n${times}${diagnosis.engine === '' ? '' : `, engine ${diagnosis.engine}`}\n`;
}

function verdictBlock({ diagnosis }: DiagnosisReport, width: number, colours: Paint): string {
  const { totals, chunks, verdict } = diagnosis;
  const label = verdict.toUpperCase().replaceAll('-', ' ');
  const colour =
    verdict === 'complete'
      ? colours.good
      : verdict === 'running'
        ? colours.plain
        : verdict === 'incomplete' || verdict === 'killed'
          ? colours.bad
          : colours.warn;
  const figures =
    `${plural(totals.files, 'file')}, ${plural(totals.directories, 'directory', 'directories')}, ${formatBytes(totals.bytes)}, ` +
    `${formatCount(totals.problems)} unreadable; chunks ${chunks.completed} of ${chunks.planned}` +
    (chunks.failed > 0 ? `, ${chunks.failed} failed` : '');
  return `${colour(label)}\n${hang('', diagnosis.sentence, width)}\n${hang('', figures, width)}\n`;
}

/** What happened, since when, what it cost, the records that prove it, and what to do. */
function findingBlock(finding: Finding, number: number, width: number, colours: Paint): string {
  const colour = finding.severity === 'error' ? colours.bad : colours.warn;
  const times = finding.count > 1 ? ` (${formatCount(finding.count)} times)` : '';
  const lines = [
    `${colour(`${number}. ${finding.severity.toUpperCase()}`)} ${finding.code}${times}`,
    hang('   ', finding.title, width),
  ];
  if (finding.since !== null) lines.push(`   since ${span(finding)}`);
  if (finding.cost !== '') lines.push(hang('   cost: ', finding.cost, width));
  if (finding.explains.length > 0) lines.push(hang('   explains: ', finding.explains.join(', '), width));
  for (const { file, seq, at, text } of finding.evidence.slice(0, EVIDENCE_SHOWN)) {
    const place = `${shortFile(file)}${seq === null ? '' : ` record ${seq}`}${at === null ? '' : ` at ${clock(at)}`}`;
    lines.push(hang('   proof: ', `${place}: ${printable(text)}`, width));
  }
  const more = finding.evidence.length - EVIDENCE_SHOWN;
  if (more > 0) lines.push(`   and ${plural(more, 'more record')} (--json)`);
  finding.advice.forEach((step, index) => lines.push(adviceLines(step, index + 1, width)));
  return `${lines.join('\n')}\n`;
}

/** A step's words are wrapped; its command stands on a line of its own, whole, so that it can be pasted. */
function adviceLines(step: string, number: number, width: number): string {
  const match = /^(.*): `([^`]+)`$/s.exec(step);
  if (match === null) return hang(`   ${number}) `, step.replaceAll('`', ''), width);
  return `${hang(`   ${number}) `, `${match[1] ?? ''}:`, width)}\n        ${match[2] ?? ''}`;
}

function lightBlock(findings: Finding[], width: number, colours: Paint): string {
  if (findings.length === 0) return '';
  const lines = findings.map((finding) => hang(`  ${finding.code}: `, finding.title, width));
  return `${colours.dim('Also seen, and no trouble any more:')}\n${lines.join('\n')}\n`;
}

function span({ since, until }: Finding): string {
  const from = since === null ? '' : formatLocalTime(Date.parse(since));
  return until === null || until === since ? from : `${from} until ${formatLocalTime(Date.parse(until))}`;
}

function clock(at: string): string {
  return formatLocalTime(Date.parse(at)).slice(11);
}

/** Without the scan's id, which stands at the top. */
function shortFile(file: string): string {
  return file.slice(file.indexOf('/') + 1);
}
