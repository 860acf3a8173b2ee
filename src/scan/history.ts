import { decodeEvent } from '../../journal/decode-event.js';
import { pathBytes } from '../../journal/path-text.js';
import { readWriter } from '../../journal/read-writer.js';
import { COORDINATOR, listScans } from '../../journal/segments.js';
import { ScanError } from './errors.js';
import { evolve, initialState, type ScanState } from './state.js';

export interface EarlierScan {
  scan: string;
  state: ScanState;
}

/** Folds the coordinator's journal of one scan. */
export async function readState(journalDir: string, scan: string): Promise<ScanState> {
  let state = initialState();
  for await (const batch of readWriter({ journalDir, scan, writer: COORDINATOR })) {
    for (const { record } of batch) {
      const event = decodeEvent(record);
      if (event !== null) state = evolve(state, event);
    }
  }
  return state;
}

/** Every scan that began, newest first. */
export async function readEarlierScans(journalDir: string): Promise<EarlierScan[]> {
  const scans: EarlierScan[] = [];
  for (const scan of (await listScans(journalDir)).reverse()) {
    const state = await readState(journalDir, scan);
    if (state.started !== null) scans.push({ scan, state });
  }
  return scans;
}

function mountOf(scan: EarlierScan): string {
  return scan.state.started === null ? '' : pathBytes(scan.state.started.mountPath).toString('utf8');
}

/** @throws ScanError `name-taken` when NAME stands for another PATH */
export function checkName(earlier: readonly EarlierScan[], mountPath: string, mountName: string): void {
  const other = earlier.find(
    (scan) => scan.state.started?.mountName === mountName && mountOf(scan) !== mountPath,
  );
  if (other === undefined) return;
  throw new ScanError('name-taken', `the name ${mountName} already stands for ${mountOf(other)}`, {
    hint: `Give ${mountPath} a name of its own, or use another --data-dir.`,
  });
}

/** The newest finished scan of this mount, for what it teaches about the next one; null: there is none. */
export function lastFinished(earlier: readonly EarlierScan[], mountPath: string): EarlierScan | null {
  const finished = earlier.find(
    (scan) =>
      mountOf(scan) === mountPath && scan.state.outcome !== null && scan.state.outcome !== 'incomplete',
  );
  return finished ?? null;
}

/** Options that change what is recorded: a scan goes on only with the same ones. */
const RECORDED_OPTIONS = ['checksum', 'exclude', 'oneFileSystem'] as const;

/**
 * The unfinished scan of this mount that can go on, and why another one cannot.
 * Only the newest scan of a mount goes on, and only if no later scan has looked at the same files.
 */
export function findResumable(
  earlier: readonly EarlierScan[],
  mountPath: string,
  options: Record<string, unknown>,
): { scan: EarlierScan | null; obstacle: string } {
  const overlapping = earlier.find((scan) => overlaps(mountOf(scan), mountPath));
  if (overlapping === undefined || mountOf(overlapping) !== mountPath) {
    return { scan: null, obstacle: 'there is no unfinished scan of it' };
  }
  const { started, outcome, chunks } = overlapping.state;
  if (outcome !== null && (outcome !== 'incomplete' || chunks.size === 0)) {
    return { scan: null, obstacle: 'its last scan is finished' };
  }
  const differs = RECORDED_OPTIONS.find(
    (name) => JSON.stringify(started?.options[name]) !== JSON.stringify(options[name]),
  );
  if (differs !== undefined) {
    return {
      scan: null,
      obstacle: `its unfinished scan ${overlapping.scan} was begun with another --${differs}`,
    };
  }
  return { scan: overlapping, obstacle: '' };
}

function overlaps(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short === long || long.startsWith(short === '/' ? '/' : `${short}/`);
}
