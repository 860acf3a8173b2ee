import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** A new folder; what is left in it goes at the end of the whole run. */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(inject('built'), `${name}-`));
}
