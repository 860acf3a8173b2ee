import type { PathText } from '../../journal/events/index.js';
import { isDone, type TopCoverage } from '../../projections/diagnosis/index.js';
import type { DiagnosisReport } from '../diagnosis-report.js';
import { formatBytes, formatCount, plural } from '../../projections/text.js';
import { escapeHtml } from './escape.js';

const CHUNKS_SHOWN_MAX = 300;
const TOPS_SHOWN_MAX = 300;
const PROBLEMS_SHOWN_MAX = 300;

/** What is recorded of each directory of the mount: those that lack something first, then the biggest. */
export function coverageByDirectory(report: DiagnosisReport): string {
  const { tops, show, diagnosis } = report;
  if (tops.every(({ name }) => name === null)) return '';
  const mount = diagnosis.mountPath ?? '';
  const order = [...tops, ...notBegun(report)].sort(
    (a, b) => b.unlisted - a.unlisted || b.problems - a.problems || b.bytes - a.bytes || b.files - a.files,
  );
  const rows = order.slice(0, TOPS_SHOWN_MAX).map((top) => {
    const state = top.unlisted > 0 ? 'bad' : top.problems > 0 ? 'warn' : 'good';
    const lacking = [
      top.unlisted > 0 ? `${plural(top.unlisted, 'directory', 'directories')} not listed` : '',
      top.problems > 0 ? `${formatCount(top.problems)} unreadable` : '',
    ].filter((words) => words !== '');
    return (
      `<tr><td>${placeOf(top, mount, show)}</td><td class="number">${formatCount(top.files)}</td>` +
      `<td class="number wide">${formatCount(top.directories)}</td><td class="number">${formatBytes(top.bytes)}</td>` +
      `<td class="state ${state}">${lacking.join(', ') || 'all listed'}</td></tr>`
    );
  });
  const hidden = order.length - rows.length;
  return (
    `<table><tr><th>directory</th><th class="number">files</th><th class="number wide">directories</th><th class="number">size</th><th>coverage</th></tr>${rows.join('')}</table>` +
    (hidden > 0
      ? `<p class="soft">and ${formatCount(hidden)} more, with no more missing than the last one here</p>`
      : '')
  );
}

/** Directories of the mount that a chunk was to begin at, and of which nothing is recorded. */
function notBegun({ tops, chunks, diagnosis }: DiagnosisReport): TopCoverage[] {
  const mount = `${typeof diagnosis.mountPath === 'string' ? diagnosis.mountPath.replace(/\/$/, '') : ''}/`;
  const seen = new Set(tops.map(({ name }) => name));
  const roots = chunks.filter((chunk) => !isDone(chunk)).flatMap((chunk) => chunk.roots);
  const names = new Set<string>();
  for (const { path } of roots) {
    if (typeof path !== 'string' || !path.startsWith(mount)) continue;
    const name = path.slice(mount.length);
    if (!name.includes('/') && !seen.has(name)) names.add(name);
  }
  return [...names].map((name) => ({ name, directories: 0, files: 0, bytes: 0, problems: 0, unlisted: 1 }));
}

function placeOf({ name }: TopCoverage, mount: PathText, show: DiagnosisReport['show']): string {
  if (name === null) return '<span class="soft">elsewhere</span>';
  const root = typeof mount === 'string' ? mount : '';
  if (name === '') return `${escapeHtml(show.path(root))} <span class="soft">(its own files)</span>`;
  return escapeHtml(show.path(`${root === '/' ? '' : root}/${name}`));
}

/** Every chunk with where it lies and how it stands: those that are not complete first. */
export function coverageTable({ chunks, show }: DiagnosisReport): string {
  if (chunks.length === 0) return '<p class="soft">Nothing was planned.</p>';
  const order = [...chunks].sort((a, b) => Number(isDone(a)) - Number(isDone(b)) || a.chunk - b.chunk);
  const rows = order
    .slice(0, CHUNKS_SHOWN_MAX)
    .map(({ chunk, roots, rootsCount, state, attempts, reason }) => {
      const places = roots.map(
        (root) =>
          escapeHtml(show.path(root.path)) +
          (root.scope === 'files' ? ' <span class="soft">(its own files)</span>' : ''),
      );
      const more =
        rootsCount > roots.length ? ` <span class="soft">and ${rootsCount - roots.length} more</span>` : '';
      return `<tr><td class="number">${chunk}</td><td>${places.join('<br>')}${more}</td><td>${state}</td><td class="number wide">${attempts}</td><td class="wide">${reason}</td></tr>`;
    });
  const hidden = chunks.length - rows.length;
  return (
    `<table><tr><th class="number">chunk</th><th>where</th><th>state</th><th class="number wide">attempts</th><th class="wide">planned as</th></tr>${rows.join('')}</table>` +
    (hidden > 0 ? `<p class="soft">and ${formatCount(hidden)} more, all complete or as above</p>` : '')
  );
}

export function problemsTable({ problems, show, diagnosis }: DiagnosisReport): string {
  if (diagnosis.totals.problems === 0) return '<p class="soft">Every entry could be read.</p>';
  const rows: string[] = [];
  for (const { path, problems: of } of problems) {
    for (const problem of of) {
      if (rows.length >= PROBLEMS_SHOWN_MAX) break;
      const name = show.path(problem.name);
      const where = name === '' ? show.path(path) : `${show.path(path)}/${name}`;
      rows.push(
        `<tr><td>${escapeHtml(where)}</td><td class="wide">${escapeHtml(problem.operation)}</td><td>${escapeHtml(problem.code)}</td></tr>`,
      );
    }
  }
  const hidden = diagnosis.totals.problems - rows.length;
  return (
    `<table><tr><th>entry</th><th class="wide">operation</th><th>error</th></tr>${rows.join('')}</table>` +
    (hidden > 0 ? `<p class="soft">and ${formatCount(hidden)} more</p>` : '')
  );
}
