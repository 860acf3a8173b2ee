import { isDone } from '../../projections/diagnosis/index.js';
import { formatBytes, formatCount, formatLocalTime, formatSeconds } from '../../projections/text.js';
import type { DiagnosisReport } from '../diagnosis-report.js';
import { renderLive } from '../diagnose-live-text.js';
import { legend, lanesChart, memoryChart, throughputChart } from './charts.js';
import { escapeHtml } from './escape.js';
import { findingHtml } from './findings.js';
import { STYLE } from './style.js';
import { coverageByDirectory, coverageTable, problemsTable } from './tables.js';

const LIVE_WIDTH = 100;

const TONES: Record<string, string> = {
  complete: 'good',
  'complete-with-problems': 'warn',
  incomplete: 'bad',
  interrupted: 'warn',
  running: '',
  killed: 'bad',
  none: '',
};

/** One self-contained page: no script, no network, nothing but this file. */
export function renderPage(report: DiagnosisReport): string {
  const { diagnosis, live, show } = report;
  const mount = diagnosis.mountPath === null ? '' : show.path(diagnosis.mountPath);
  const title =
    diagnosis.scan === null ? 'No scan' : `${diagnosis.mountName}: ${diagnosis.verdict.replaceAll('-', ' ')}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>
<p class="soft">nas-scanner diagnosis</p>
<h1>${escapeHtml(title)}</h1>
<p class="soft">${escapeHtml(mount)} · scan ${escapeHtml(diagnosis.scan ?? '')} · engine ${escapeHtml(diagnosis.engine)}${times(report)}</p>
<div class="verdict ${TONES[diagnosis.verdict] ?? ''}"><p>${escapeHtml(diagnosis.sentence)}</p></div>
${figures(report)}
<h2>Findings</h2>
${diagnosis.findings.length === 0 ? '<p class="soft">None: nothing went wrong.</p>' : diagnosis.findings.map(findingHtml).join('\n')}
${charts(report)}
<h2>Coverage</h2>
${coverage(report)}
<h2>Entries that could not be read</h2>
${problemsTable(report)}
${live === null ? '' : `<h2>As seen when this was written</h2><pre>${escapeHtml(renderLive(report, LIVE_WIDTH).split('\n').slice(1).join('\n'))}</pre>`}
</main></body></html>
`;
}

/** By directory of the mount, and folded away how the work was cut. */
function coverage(report: DiagnosisReport): string {
  const table = coverageByDirectory(report);
  if (table === '') return coverageTable(report);
  const open = report.chunks.every(isDone) ? '' : ' open';
  return `${table}<details${open}><summary>by chunk</summary>${coverageTable(report)}</details>`;
}

function times({ diagnosis }: DiagnosisReport): string {
  if (diagnosis.startedAt === null) return '';
  return ` · ${formatLocalTime(Date.parse(diagnosis.startedAt))}, ${formatSeconds(diagnosis.totals.seconds)}`;
}

function figures({ diagnosis }: DiagnosisReport): string {
  const { totals, chunks } = diagnosis;
  const all: [string, string][] = [
    ['files', formatCount(totals.files)],
    ['directories', formatCount(totals.directories)],
    ['size', formatBytes(totals.bytes)],
    ['unreadable', formatCount(totals.problems)],
    ['chunks complete', `${formatCount(chunks.completed)} of ${formatCount(chunks.planned)}`],
    ['files per second', formatCount(Math.round(totals.filesPerSecond))],
  ];
  return `<div class="figures">${all.map(([name, value]) => `<div class="figure"><b>${value}</b><span class="soft">${name}</span></div>`).join('')}</div>`;
}

function charts({ timeline }: DiagnosisReport): string {
  if (timeline.toMs <= timeline.fromMs) return '';
  const memory = memoryChart(timeline);
  const omitted =
    timeline.omitted > 0
      ? `<p class="soft">${formatCount(timeline.omitted)} more attempts are not drawn</p>`
      : '';
  return (
    `<h2>Timeline</h2><figure><figcaption>Phases, and what each worker was at</figcaption>${lanesChart(timeline)}${legend(timeline)}${omitted}</figure>` +
    `<figure><figcaption>Files recorded per second</figcaption>${throughputChart(timeline)}</figure>` +
    (memory === ''
      ? ''
      : `<figure><figcaption>Memory of each worker (dashed: its limit)</figcaption>${memory}</figure>`)
  );
}
