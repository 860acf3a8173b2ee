import { formatCount, formatLocalTime, plural } from '../projections/text.js';
import type { Span, SpanKind, Timeline } from '../projections/timeline.js';

const LANES_SHOWN = 6;
const LABEL_WIDTH = 9;
const LEVELS = ' .:-=+*#%@';

const MARKS: Record<SpanKind, string> = {
  preflight: 'c',
  planning: 'p',
  scanning: '=',
  paused: '!',
  'engine-lost': 'x',
  good: '=',
  bad: 'X',
  stopped: '/',
  open: '>',
};

/** Lanes over time in plain characters; nothing for a scan too short to show any. */
export function renderTimeline(timeline: Timeline, width: number): string {
  const { fromMs, toMs, lanes, phases, filesPerSecond } = timeline;
  if (toMs <= fromMs || lanes.length === 0) return '';
  const columns = width - LABEL_WIDTH - 1;
  const lane = (label: string, cells: string): string => `${label.padEnd(LABEL_WIDTH)}${cells}`.trimEnd();
  const scale = { fromMs, toMs, columns };
  const lines = [
    lane(
      '',
      `${formatLocalTime(fromMs).slice(11)}${formatLocalTime(toMs)
        .slice(11)
        .padStart(columns - 8)}`,
    ),
    lane('phases', cellsOf(phases, scale)),
    ...lanes.slice(0, LANES_SHOWN).map((spans, index) => lane(`worker ${index + 1}`, cellsOf(spans, scale))),
  ];
  if (lanes.length > LANES_SHOWN)
    lines.push(`         and ${plural(lanes.length - LANES_SHOWN, 'more worker')} (--html shows all)`);
  lines.push(lane('files/s', throughput(filesPerSecond, columns)));
  const peak = Math.max(0, ...filesPerSecond);
  return `Timeline (= good, X bad, / stopped, > open; c checks, p planning, ! paused)\n${lines.join('\n')}\n         @ is ${formatCount(Math.round(peak))} files per second\n`;
}

function cellsOf(spans: readonly Span[], scale: { fromMs: number; toMs: number; columns: number }): string {
  const cells = new Array<string>(scale.columns).fill(' ');
  const column = (atMs: number): number =>
    Math.min(
      scale.columns - 1,
      Math.max(0, Math.floor(((atMs - scale.fromMs) / (scale.toMs - scale.fromMs)) * scale.columns)),
    );
  for (const span of spans) {
    const to = column(span.toMs ?? scale.toMs);
    for (let at = column(span.fromMs); at <= to; at += 1) cells[at] = MARKS[span.kind];
  }
  return cells.join('');
}

function throughput(rates: readonly number[], columns: number): string {
  const peak = Math.max(...rates);
  if (!(peak > 0)) return '';
  return Array.from({ length: columns }, (_, at) => {
    const rate = rates[Math.floor((at / columns) * rates.length)] ?? 0;
    return LEVELS[Math.ceil((rate / peak) * (LEVELS.length - 1))] ?? ' ';
  }).join('');
}
