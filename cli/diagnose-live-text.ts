import type { CatalogView, Show, Verdict } from '../projections/diagnosis/index.js';
import { formatBytes, plural } from '../projections/text.js';
import type { DiagnosisReport } from './diagnosis-report.js';
import type { LiveFacts } from './live-facts.js';
import { hang } from './wrap.js';

const MOUNT_WORDS: Record<string, string> = {
  ok: 'answers',
  missing: 'is not there',
  'not-directory': 'is no directory',
  denied: 'may not be read',
  stale: 'is stale: its server or daemon is gone',
  hung: 'does not answer',
  failed: 'cannot be read',
};

/** What is seen right now, kept apart from what the journal proves; empty where nobody looked. */
export function renderLive({ diagnosis, live, show }: DiagnosisReport, width: number): string {
  if (live === null) return '';
  const lines = [
    live.mount === null
      ? ''
      : `mount ${MOUNT_WORDS[live.mount.state] ?? live.mount.state}${live.mount.empty === true ? ' and is empty' : ''}`,
    live.dataDirFreeBytes === null ? '' : `data directory has ${formatBytes(live.dataDirFreeBytes)} free`,
    `host: load ${live.load.load1.toFixed(1)}, ${formatBytes(live.load.memoryFreeBytes)} of ${formatBytes(live.load.memoryBytes)} memory free`,
    ...engineLines(live, show),
    live.catalog === null ? '' : `catalog ${catalogWords(live.catalog, diagnosis.verdict)}`,
  ].filter((line) => line !== '');
  return `Right now (looked at, not from the journal):\n${lines.map((line) => hang('  ', line, width)).join('\n')}\n`;
}

/** While a scan runs its catalog is never quite where the journal is. */
function catalogWords({ state, detail }: CatalogView, verdict: Verdict): string {
  return verdict === 'running' && state === 'behind' ? `follows the scan (${detail} just now)` : detail;
}

function engineLines({ engine }: LiveFacts, show: Show): string[] {
  if (engine.state === 'not-asked') return [];
  if (engine.state === 'does-not-answer') return [`Docker does not answer: ${show.words(engine.detail)}`];
  const image = engine.imageThere === null ? '' : `, image ${engine.imageThere ? 'there' : 'MISSING'}`;
  const names = engine.containers.map(({ name, phase }) => `${name} (${phase})`).join(', ');
  return [
    `${engine.detail} answers${image}`,
    engine.containers.length === 0
      ? 'no container of this scan is left'
      : `${plural(engine.containers.length, 'container')} of this scan: ${names}`,
  ];
}
