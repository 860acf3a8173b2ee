import { formatBytes, formatCount, formatLocalTime } from '../../projections/text.js';
import type { MemorySeries, Span, SpanKind, Timeline } from '../../projections/timeline.js';
import { escapeHtml } from './escape.js';

const WIDTH = 960;
const LEFT = 76;
const LANE = 22;
const CHART = 150;
/** Lanes drawn; more would only be stripes. */
const LANES_MAX = 64;
const TICKS = 5;

const FILLS: Record<SpanKind, string> = {
  preflight: 'var(--idle-fill)',
  planning: 'var(--accent)',
  scanning: 'var(--good-fill)',
  paused: 'var(--warn-fill)',
  'engine-lost': 'var(--bad-fill)',
  good: 'var(--good-fill)',
  bad: 'var(--bad-fill)',
  stopped: 'var(--idle-fill)',
  open: 'var(--warn-fill)',
};
const KIND_WORDS: Record<SpanKind, string> = {
  preflight: 'checks',
  planning: 'planning while scanning',
  scanning: 'scanning',
  paused: 'paused',
  'engine-lost': 'Docker away',
  good: 'ended well',
  bad: 'ended badly',
  stopped: 'stopped',
  open: 'still open',
};

interface Scale {
  x(atMs: number): number;
}

function scaleOf({ fromMs, toMs }: Timeline): Scale {
  const span = Math.max(1, toMs - fromMs);
  return { x: (atMs) => LEFT + ((atMs - fromMs) / span) * (WIDTH - LEFT - 8) };
}

function svg(height: number, label: string, content: string): string {
  return `<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}">${content}</svg></div>`;
}

/** Phases, then one lane per worker that ran at the same time, over a common time axis. */
export function lanesChart(timeline: Timeline): string {
  const scale = scaleOf(timeline);
  const lanes: [string, readonly Span[]][] = [['phases', timeline.phases]];
  timeline.lanes.slice(0, LANES_MAX).forEach((spans, index) => lanes.push([`worker ${index + 1}`, spans]));
  const height = lanes.length * LANE + 26;
  const rows = lanes
    .map(([name, spans], index) => laneRow(name, spans, index * LANE, timeline, scale))
    .join('');
  const marks = timeline.marks
    .filter((mark) => mark.kind !== 'end')
    .map((mark) => {
      const x = scale.x(mark.atMs).toFixed(1);
      const title = `${formatLocalTime(mark.atMs)} ${mark.kind}`;
      return `<line x1="${x}" x2="${x}" y1="0" y2="${lanes.length * LANE}" stroke="var(--bad)" stroke-dasharray="3 3"><title>${escapeHtml(title)}</title></line>`;
    })
    .join('');
  return svg(
    height,
    'Phases and workers over time',
    rows + marks + timeAxis(timeline, scale, lanes.length * LANE),
  );
}

function laneRow(name: string, spans: readonly Span[], y: number, timeline: Timeline, scale: Scale): string {
  const bars = spans.map((span) => {
    const x = scale.x(span.fromMs);
    const width = Math.max(1.5, scale.x(span.toMs ?? timeline.toMs) - x - 0.5);
    const what =
      span.chunk === 0
        ? KIND_WORDS[span.kind]
        : `chunk ${span.chunk}, attempt ${span.attempt}: ${KIND_WORDS[span.kind]}`;
    return `<rect x="${x.toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="${LANE - 6}" rx="3" fill="${FILLS[span.kind]}"><title>${escapeHtml(`${what}, from ${formatLocalTime(span.fromMs)}`)}</title></rect>`;
  });
  return `<text x="0" y="${y + 15}">${escapeHtml(name)}</text>${bars.join('')}`;
}

function timeAxis(timeline: Timeline, scale: Scale, y: number): string {
  const ticks = Array.from({ length: TICKS }, (_, index) => {
    const atMs = timeline.fromMs + ((timeline.toMs - timeline.fromMs) * index) / (TICKS - 1);
    const anchor = index === 0 ? 'start' : index === TICKS - 1 ? 'end' : 'middle';
    return `<text x="${scale.x(atMs).toFixed(1)}" y="${y + 18}" text-anchor="${anchor}">${formatLocalTime(atMs).slice(11)}</text>`;
  });
  return `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${y + 1}" y2="${y + 1}" stroke="var(--line)"/>${ticks.join('')}`;
}

export function legend(timeline: Timeline): string {
  const kinds = new Set<SpanKind>();
  for (const spans of [timeline.phases, ...timeline.lanes]) for (const span of spans) kinds.add(span.kind);
  const words = new Map<string, string[]>();
  for (const kind of kinds) words.set(FILLS[kind], [...(words.get(FILLS[kind]) ?? []), KIND_WORDS[kind]]);
  const items = [...words].map(
    ([fill, meanings]) => `<span><i style="background:${fill}"></i>${meanings.join(', ')}</span>`,
  );
  return `<p class="soft legend">${items.join(' ')}</p>`;
}

/** Files per second as an area. */
export function throughputChart(timeline: Timeline): string {
  const rates = timeline.filesPerSecond;
  const peak = Math.max(1, ...rates);
  const scale = scaleOf(timeline);
  const step = (timeline.toMs - timeline.fromMs) / rates.length;
  const points = rates.map(
    (rate, index) => `${scale.x(timeline.fromMs + (index + 0.5) * step).toFixed(1)},${yOf(rate, peak)}`,
  );
  const area = `<polygon fill="var(--accent)" fill-opacity=".25" points="${LEFT},${CHART} ${points.join(' ')} ${WIDTH - 8},${CHART}"/>`;
  const line = `<polyline fill="none" stroke="var(--accent)" stroke-width="2" points="${points.join(' ')}"/>`;
  return svg(
    CHART + 26,
    'Files per second over time',
    gridY(peak, (rate) => formatCount(Math.round(rate))) + area + line + timeAxis(timeline, scale, CHART),
  );
}

/** Memory of each worker as a line, the lowest limit as a dashed one. */
export function memoryChart(timeline: Timeline): string {
  const series = timeline.memory.filter((each) => each.points.length > 0);
  if (series.length === 0) return '';
  const limits = series.flatMap((each) => (each.limitBytes === null ? [] : [each.limitBytes]));
  const limit = limits.length === 0 ? null : Math.min(...limits);
  const used = Math.max(...series.flatMap((each) => each.points.map((point) => point.bytes)));
  const peak = Math.max(used, limit !== null && limit < used * 4 ? limit : 0, 1);
  const scale = scaleOf(timeline);
  const limitLine =
    limit === null || limit > peak
      ? ''
      : `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${yOf(limit, peak)}" y2="${yOf(limit, peak)}" stroke="var(--bad)" stroke-dasharray="6 4"><title>limit ${formatBytes(limit)}</title></line>`;
  const lines = series.map((each, index) => memoryLine(each, index, peak, scale)).join('');
  return svg(
    CHART + 26,
    'Memory of each worker over time',
    gridY(peak, formatBytes) + limitLine + lines + timeAxis(timeline, scale, CHART),
  );
}

function memoryLine(series: MemorySeries, index: number, peak: number, scale: Scale): string {
  const colour = `hsl(${(index * 67 + 210) % 360} 55% 50%)`;
  const points = series.points.map(({ atMs, bytes }) => `${scale.x(atMs).toFixed(1)},${yOf(bytes, peak)}`);
  const title = `<title>chunk ${series.chunk}</title>`;
  const [only = ''] = points;
  const [x = '0', y = '0'] = only.split(',');
  if (points.length === 1) return `<circle cx="${x}" cy="${y}" r="3" fill="${colour}">${title}</circle>`;
  return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(' ')}">${title}</polyline>`;
}

function yOf(value: number, peak: number): string {
  return (CHART - (value / peak) * (CHART - 16)).toFixed(1);
}

function gridY(peak: number, text: (value: number) => string): string {
  return [0.5, 1]
    .map((share) => {
      const y = yOf(peak * share, peak);
      return `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${y}" y2="${y}" stroke="var(--line)"/><text x="0" y="${Number(y) + 4}">${escapeHtml(text(peak * share))}</text>`;
    })
    .join('');
}
