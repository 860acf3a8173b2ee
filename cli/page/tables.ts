import type { DiagnosisReport } from '../diagnosis-report.js';
import { formatCount } from '../../projections/text.js';
import { escapeHtml } from './escape.js';

const CHUNKS_SHOWN_MAX = 300;
const PROBLEMS_SHOWN_MAX = 300;

/** Every chunk with where it lies and how it stands: those that are not complete first. */
export function coverageTable({ chunks, show }: DiagnosisReport): string {
  if (chunks.length === 0) return '<p class="soft">Nothing was planned.</p>';
  const order = [...chunks].sort(
    (a, b) => Number(a.state === 'completed') - Number(b.state === 'completed') || a.chunk - b.chunk,
  );
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
