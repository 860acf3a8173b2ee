import { plural } from '../../text.js';
import { findingOf, type FindingContext } from '../context.js';
import type { Finding } from '../types.js';

/** `analysis.timed-out`, `analysis.fallback`: planning that had to guess. It costs balance, never a file. */
export function analysisFindings(context: FindingContext): Finding[] {
  return [
    ...findingOf(context, 'analysis.timed-out', (group) => ({
      title: `Measuring ${plural(group.count, 'directory', 'directories')} took too long; ${group.count === 1 ? 'it' : 'each'} became a chunk of its own`,
      cost: '',
      severity: 'info',
    })),
    ...findingOf(context, 'analysis.fallback', (group) => ({
      title: `${plural(group.count, 'directory', 'directories')} could not be measured and became ${group.count === 1 ? 'a chunk' : 'chunks'} as ${group.count === 1 ? 'it is' : 'they are'}`,
      cost: '',
      severity: 'info',
    })),
  ];
}
