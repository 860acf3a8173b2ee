import { recoverScan } from '../journal/recovery.js';

/**
 * What is said of a scan that does not run and whose `scan.started` is not there. Where the journal is sound it was
 * killed before it said a word; else nobody can tell how it ended, and it cannot go on.
 */
export async function stateOfUnstarted(journalDir: string, scan: string): Promise<'killed' | 'incomplete'> {
  return wordForUnstarted((await recoverScan(journalDir, scan)).sound);
}

export function wordForUnstarted(sound: boolean): 'killed' | 'incomplete' {
  return sound ? 'killed' : 'incomplete';
}
