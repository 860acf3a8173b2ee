import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/**
 * A new folder, removed at the end of the whole run. What holds many files is better not removed before: ext4 without a
 * journal of its own passes over each inode that was deleted in the last minutes whenever it makes a file, which then
 * takes 0.6 ms instead of 0.02 ms.
 */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(inject('built'), `${name}-`));
}
