import { plural } from '../../text.js';
import type { FindingContext } from '../context.js';
import type { Evidence, Finding } from '../types.js';

/** `coverage.gap`: the coordinator says that all is scanned, the records do not prove it. */
export function coverageFindings(context: FindingContext): Finding[] {
  const { proof, facts, totals, ledger, show } = context;
  const { completed } = facts;
  if (completed === null) return [];
  const claimed = completed.data.outcome !== 'incomplete';
  const missing = proof.missingDirectories + proof.unexplained;
  // A scan that failed says so itself; its unscanned directories are no news.
  const silent = !claimed && proof.chunksDone && missing > 0;
  if (!(claimed && !(proof.covered && proof.chunksDone)) && !silent) return [];
  const parts = [
    proof.rootCovered ? '' : 'the mount itself was not listed',
    proof.missingDirectories === 0
      ? ''
      : `${plural(proof.missingDirectories, 'subdirectory', 'subdirectories')} of ${plural(proof.missingParents, 'directory', 'directories')} never appeared`,
    proof.unexplained === 0
      ? ''
      : `${plural(proof.unexplained, 'directory', 'directories')} begun and not listed to the end`,
    proof.miscounted === 0
      ? ''
      : `entries of ${plural(proof.miscounted, 'directory', 'directories')} do not add up`,
    proof.chunksDone ? '' : 'not every planned chunk is complete',
    proof.totalsAgree
      ? ''
      : `its last word counts ${plural(completed.data.files, 'file')} in ${plural(completed.data.directories, 'directory', 'directories')}, ` +
        `the records hold ${plural(totals.files, 'file')} in ${plural(totals.directories, 'directory', 'directories')}`,
  ].filter((part) => part !== '');
  const shown: Evidence[] = ledger.miscounted.shown
    .slice(0, 5)
    .map(({ path, text, evidence }) => ({ ...evidence, text: `${show.path(path)}: ${text}` }));
  return [
    {
      code: 'coverage.gap',
      severity: 'error',
      title: `Not everything below the mount is proven to be recorded: ${parts.join('; ')}`,
      count: Math.max(1, missing + proof.miscounted),
      since: null,
      until: null,
      cost: missing === 0 ? '' : `${plural(missing, 'directory', 'directories')} with all below`,
      evidence: [...shown, completed.evidence],
      advice: [
        `See which records are missing: \`${context.commands.own('verify')}\``,
        `Scan anew: \`${context.commands.scan({ '--fresh': '' })}\``,
      ],
      explains: [],
    },
  ];
}
