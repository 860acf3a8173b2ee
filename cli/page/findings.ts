import type { Finding } from '../../projections/diagnosis/index.js';
import { formatCount, formatLocalTime, plural } from '../../projections/text.js';
import { escapeHtml } from './escape.js';

/** What stands between backquotes is a command: a line of its own, to be copied. */
function stepHtml(step: string): string {
  const parts = step.split('`');
  return parts
    .map((part, index) => {
      if (index % 2 === 0) return escapeHtml(part);
      const last = index === parts.length - 2 && (parts.at(-1) ?? '') === '';
      return last ? `<pre>${escapeHtml(part)}</pre>` : `<code>${escapeHtml(part)}</code>`;
    })
    .join('');
}

export function findingHtml(finding: Finding): string {
  const times = finding.count > 1 ? ` (${formatCount(finding.count)} times)` : '';
  const since =
    finding.since === null
      ? ''
      : `since ${formatLocalTime(Date.parse(finding.since))}` +
        (finding.until === null || finding.until === finding.since
          ? ''
          : ` until ${formatLocalTime(Date.parse(finding.until))}`);
  const facts = [
    since,
    finding.cost === '' ? '' : `cost: ${finding.cost}`,
    finding.explains.length === 0 ? '' : `explains ${finding.explains.join(', ')}`,
  ];
  const soft = facts
    .filter((fact) => fact !== '')
    .map(escapeHtml)
    .join(' · ');
  const advice =
    finding.advice.length === 0
      ? ''
      : `<ol>${finding.advice.map((step) => `<li>${stepHtml(step)}</li>`).join('')}</ol>`;
  return (
    `<section class="finding ${finding.severity}"><h3><span class="tag">${finding.severity}</span>${escapeHtml(finding.title)}</h3>` +
    `<p class="soft"><code>${finding.code}</code>${times}${soft === '' ? '' : ` · ${soft}`}</p>${advice}${evidenceHtml(finding)}</section>`
  );
}

function evidenceHtml({ evidence }: Finding): string {
  if (evidence.length === 0) return '';
  const rows = evidence.map(({ file, seq, at, text }) => {
    const place = `${file}${seq === null ? '' : `, record ${seq}`}`;
    const time = at === null ? '' : formatLocalTime(Date.parse(at));
    return `<tr><td>${escapeHtml(time)}</td><td>${escapeHtml(text)}<br><code class="soft">${escapeHtml(place)}</code></td></tr>`;
  });
  return `<details><summary>proof: ${plural(evidence.length, 'record')}</summary><table>${rows.join('')}</table></details>`;
}
